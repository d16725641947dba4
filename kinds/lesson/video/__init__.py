"""The video of a lesson: its slides, their pages, speech, captions and film."""
