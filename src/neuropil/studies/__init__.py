"""The papers: what each states, run and compared."""
