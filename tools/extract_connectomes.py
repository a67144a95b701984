"""Extract the connectomes that Neuropil ships from the packages that publish them.

    python tools/extract_connectomes.py                       # the shipped tables
    python tools/extract_connectomes.py --witvliet FOLDER     # eight stages, for your own use

Downloads the wheels of `cect` and `graspologic` with pip (without their dependencies), checks
their SHA-256, and reads them as zip archives: nothing is installed. Writes for each connectome
`NAME.nodes.tsv.gz`, `NAME.edges.tsv.gz` and `NAME.json`; the same bytes each time.

The eight developmental stages of Witvliet et al. 2021 are not shipped: `cect` redistributes them
under the MIT licence, but the authors' own publication of the data (the NemaNode application)
carries CC BY-NC-ND 4.0, which permits no altered copies. With `--witvliet` the script writes them
to a folder of yours, where `load_connectome(name, folder=FOLDER)` finds them.
"""

import argparse
import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

SHIPPED = Path(__file__).resolve().parents[1] / "src" / "neuropil" / "connectivity" / "data"
WHEELS = {
    "cect==0.3.5": "ea47f7a6b0d69a8d0bd3b0ade4037b7cc32d31ad0449f823d7ec153d6fd25057",
    "graspologic==3.4.4": "4ea5cd50f10eaff3fa90f18a8f66b1f5f42c724ac6aeb95e9f081632fc8d2d00",
}
CECT_LICENCE = (
    "No separate licence is stated for the published table; redistributed here from cect 0.3.5 "
    "(OpenWorm), which is under the MIT licence"
)
COOK = (
    "Cook et al., Whole-animal connectomes of both Caenorhabditis elegans sexes, Nature 571, "
    "63-71 (2019), doi:10.1038/s41586-019-1352-7, Supplementary Information 5 as corrected in "
    "July 2020; read from cect 0.3.5"
)
WITVLIET = (
    "Witvliet et al., Connectomes across development reveal principles of brain maturation, "
    "Nature 596, 257-261 (2021), doi:10.1038/s41586-021-03778-8; read from cect 0.3.5"
)
EICHLER = (
    "Eichler et al., The complete connectome of a learning and memory centre in an insect brain, "
    "Nature 548, 175-182 (2017), doi:10.1038/nature23455; read from graspologic 3.4.4"
)
MUSHROOM_BODY_TYPES = {
    "K": "Kenyon cell",
    "P": "projection neuron",
    "I": "input neuron",
    "O": "output neuron",
}
SENSORY = ("Amphid", "Cephalic", "Mechanosensory", "O2", "Phasmid", "Touch")


def download(requirement: str, folder: Path) -> zipfile.ZipFile:
    """The wheel of a package, verified."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    subprocess.run([*command, str(folder), requirement], check=True)
    (wheel,) = folder.glob(requirement.split("==")[0] + "-*.whl")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEELS[requirement]:
        raise SystemExit(f"{wheel.name}: SHA-256 {found}, expected {WHEELS[requirement]}")
    return zipfile.ZipFile(wheel)


def compressed_table(header: list[str], rows: list[list[str]]) -> bytes:
    """A tab-separated table, gzipped without a time stamp."""
    text = "".join("\t".join(row) + "\n" for row in [header, *rows])
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as stream:
        stream.write(text.encode())
    return packed.getvalue()


def write(folder: Path, name: str, nodes, matrix: np.ndarray, **about) -> None:
    """Write one connectome; `matrix` is [pre, post], `nodes` holds label, type and class."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = [node[0] for node in nodes]
    edges = [
        [labels[pre], labels[post], f"{matrix[pre, post]:.0f}"]
        for pre, post in np.argwhere(matrix != 0)
    ]
    files = {
        f"{name}.nodes.tsv.gz": compressed_table(["label", "cell_type", "cell_class"], nodes),
        f"{name}.edges.tsv.gz": compressed_table(["presynaptic", "postsynaptic", "weight"], edges),
    }
    for file, content in files.items():
        (folder / file).write_bytes(content)
    record = {
        "schema": 1,
        "name": name,
        **about,
        "neurons": len(nodes),
        "edges": len(edges),
        "total_weight": int(matrix.sum()),
        "sha256": {file: hashlib.sha256(content).hexdigest() for file, content in files.items()},
    }
    (folder / f"{name}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    print(f"{name}: {len(nodes)} neurons, {len(edges)} edges, total weight {matrix.sum():.0f}")


def cell_type(description: str) -> str | None:
    """The broad type of a neuron from its class in Cook et al.; None where it is no neuron."""
    kind = description.split(";")[0].lower()
    if description.startswith(SENSORY) or "sensory neuron" in kind:
        return "sensory neuron"
    if "interneuron" in kind or kind == "linker to pharynx":
        return "interneuron"
    if "motor neuron" in kind:
        return "motor neuron"
    if "polymodal" in kind:
        return "polymodal neuron"
    if "neuron" in kind:
        return "other neuron"
    return None


def worm_cells(wheel: zipfile.ZipFile) -> dict[str, str]:
    """The class of every cell of the worm."""
    text = wheel.read("cect/data/all_cell_info.csv").decode()
    return {row["Cell name"]: row["Type"] for row in csv.DictReader(io.StringIO(text))}


def worm_connectome(wheel: zipfile.ZipFile, dataset: str, synapses: str):
    """Neurons, the matrix [pre, post] among them, and what was left out."""
    data = json.loads(wheel.read(f"cect/cache/{dataset}.json"))
    classes = worm_cells(wheel)
    everything = np.array(data["connections"][synapses])
    found = sorted(
        (label, number)
        for number, label in enumerate(data["nodes"])
        if cell_type(classes[label]) is not None
    )
    nodes = [[label, cell_type(classes[label]), classes[label]] for label, _ in found]
    numbers = [number for _, number in found]
    matrix = everything[np.ix_(numbers, numbers)]
    left_out = (
        f"{len(data['nodes']) - len(nodes)} cells that are not neurons (muscles, glia and other "
        f"end organs), with {np.count_nonzero(everything) - np.count_nonzero(matrix)} of the "
        f"{np.count_nonzero(everything)} connections, are left out"
    )
    return nodes, matrix, left_out


def extract_cook(wheel: zipfile.ZipFile) -> None:
    """The adult hermaphrodite worm, chemical and electrical."""
    for kind, synapses in (("chemical", "Generic_CS"), ("electrical", "Generic_GJ")):
        nodes, matrix, left_out = worm_connectome(wheel, "Cook2019HermReader", synapses)
        notes = [
            left_out,
            "a weight is the number of serial electron-microscope sections of contact, summed "
            "over the synapses of a pair of cells",
        ]
        if kind == "electrical":
            assert np.array_equal(matrix, matrix.T)
            notes.append("every gap junction is listed in both directions")
        write(
            SHIPPED,
            f"celegans-cook-2019-{kind}",
            nodes,
            matrix,
            title=f"C. elegans adult hermaphrodite, {kind} synapses between neurons",
            source=COOK,
            licence=CECT_LICENCE,
            unit="EM sections",
            notes=notes,
        )


def extract_witvliet(wheel: zipfile.ZipFile, folder: Path) -> None:
    """Eight worms from birth to adulthood, chemical synapses."""
    for stage in range(1, 9):
        nodes, matrix, left_out = worm_connectome(wheel, f"WitvlietDataReader{stage}", "Generic_CS")
        write(
            folder,
            f"celegans-witvliet-2021-{stage}",
            nodes,
            matrix,
            title=f"C. elegans nerve ring, developmental data set {stage} of 8, chemical synapses",
            source=WITVLIET,
            licence="The authors' publication (NemaNode) carries CC BY-NC-ND 4.0; cect is MIT",
            unit="synapses",
            notes=[left_out, "not shipped with Neuropil, because the licences disagree"],
        )


def extract_eichler(wheel: zipfile.ZipFile) -> None:
    """Both mushroom bodies of the larval fly."""
    for side in ("left", "right"):
        folder = "graspologic/datasets/drosophila"
        adjacency = wheel.read(f"{folder}/{side}_adjacency.csv").decode()
        codes = wheel.read(f"{folder}/{side}_cell_labels.csv").decode().split()
        matrix = np.loadtxt(io.StringIO(adjacency))
        counted: dict[str, int] = {}
        nodes = []
        for code in codes:
            counted[code] = counted.get(code, 0) + 1
            nodes.append([f"{code}{counted[code]}", MUSHROOM_BODY_TYPES[code], code])
        write(
            SHIPPED,
            f"drosophila-mushroom-body-eichler-2017-{side}",
            nodes,
            matrix,
            title=f"Larval Drosophila, {side} mushroom body",
            source=EICHLER,
            licence="MIT (graspologic 3.4.4, Copyright (c) Microsoft Corporation)",
            unit="synapses",
            notes=[
                "the source names types of cells but not cells: labels count them in its order",
            ],
        )


def main() -> None:
    """Extract what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--witvliet", metavar="FOLDER", type=Path)
    folder = parser.parse_args().witvliet
    with tempfile.TemporaryDirectory() as temporary:
        worm, fly = (download(name, Path(temporary)) for name in WHEELS)
        if folder is not None:
            extract_witvliet(worm, folder)
            return
        extract_cook(worm)
        extract_eichler(fly)


if __name__ == "__main__":
    main()
