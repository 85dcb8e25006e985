"""Exports of a dataset: ``formats`` is the registry; whole datasets (``dataset_folder``) and trainers' folders."""
