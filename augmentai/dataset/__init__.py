"""Datasets on disk: read from files, folders and ZIPs, and written with their variations.

`readers` find images, `formats` understand their labels, `writers` write folders and ZIPs; a run describes itself in
`manifest.jsonl`, `recipe.yaml`, `dataset_card.md` and `contact_sheet.svg`.
"""
