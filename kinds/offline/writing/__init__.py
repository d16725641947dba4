"""The offline composer: writes stories, reports and lessons from templates and from the source's own sentences."""
