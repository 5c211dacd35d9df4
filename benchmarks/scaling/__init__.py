"""What scale.py measures, one module per part."""
