"""Then: training, judging and running the same functions over the past."""
