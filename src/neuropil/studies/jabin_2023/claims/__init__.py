"""The ledger of the study."""


def claims(configuration, results):
    return []
