"""What `POST /stories` takes, for a route that does nothing with it."""

from api.submission import body_model
from jobs import kinds

Body = body_model(kinds.get("story"))
