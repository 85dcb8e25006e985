"""Export a dataset. ``formats`` is the registry; ``dataset_folder`` and ``trainer_folder`` write the files."""
