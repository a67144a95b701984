"""Numbers of the stomatogastric ganglion: what a satisfactory rhythm is, and how long to look."""

from typing import Any


def stomatogastric_numbers(quick: bool) -> dict[str, Any]:
    """Targets are means and standard deviations, of the size found in circuits that are pyloric.

    The document asks for onset lags, burst rates and duty cycles and gives no numbers. Bursts have
    to come in order, too: where any order will do, the same means and variances leave one circuit
    in eight out of it, and a few, far from the others, in which LP begins with AB/PD. At `quick`
    the cells are those of figure 5a and the seven synapses vary; at `paper` all 31 parameters.
    There, less than one draw in a hundred has the rhythm, and circuits forget a few per cent of
    where they were in eight moves: rather than many particles, few that move often.
    """
    return {
        "only_synapses": quick,
        "targets": {
            "burst_rate": [0.64, 0.04],
            "lp_onset": [0.50, 0.06],
            "py_lag": [0.15, 0.06],
            "pd_duty_cycle": [0.33, 0.04],
            "lp_duty_cycle": [0.22, 0.06],
            "py_duty_cycle": [0.27, 0.07],
        },
        "tolerance": 0.25 if quick else 0.1,
        "particles": 512 if quick else 768,
        "moves": 3 if quick else 12,
        "start_rounds": 4 if quick else 24,
        "rounds": 6 if quick else 50,
        "duration": 5_000.0 if quick else 11_000.0,
        "step": 0.04,
        "fine_step": 0.02,
        "published_step": 0.025,
        "fresh": 200 if quick else 1000,
    }


def hub_numbers(quick: bool) -> dict[str, Any]:
    """The published targets and box of the five-cell form, and 25 ms against 5 ms."""
    return {
        "electrical": [4.0, 8.0],
        "inhibition": [0.01, 4.0],
        "mean": 0.55,
        "deviation": 0.025,
        "samples": 300,
        "divisions": {"published": 1, "fine": 5 if quick else 25},
        "draws": 20_000 if quick else 200_000,
        "stored": 3_000,
    }


__all__ = ["hub_numbers", "stomatogastric_numbers"]
