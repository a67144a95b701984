"""The figures of the study."""


def figures(configuration, results):
    return []
