"""What is wrong with the images that a deployment must not survive.

uvicorn tests.cloudrun.broken_images:NAME --factory
"""

from http import HTTPStatus

from fastapi import FastAPI, Response

from api.app import create_app


def unready() -> FastAPI:
    """Starts, and is never ready."""
    app = FastAPI()

    @app.get("/health/startup")
    async def startup() -> Response:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return Response()

    @app.get("/health/ready")
    async def ready() -> Response:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)

    return app


def faulty() -> FastAPI:
    """The API, but for a bug in `GET /queues`."""
    app = create_app()

    async def list_queues() -> None:
        raise RuntimeError("a bug")

    app.router.add_api_route("/queues", list_queues)
    app.router.routes.insert(0, app.router.routes.pop())
    return app
