"""Stage 4: the model, verified and whole."""

from pyinfra.operations import files

from operations import download
from tasks.target import Target, stage


@stage("Model")
def fetch(target: Target) -> None:
    """Have the model in place, known by its SHA-256."""
    model = target.settings.model
    files.directory(name="Make room for the services", path=target.layout.models)
    download.verified(
        name=f"Have the model {model.name}",
        url=model.url,
        path=target.model_path,
        sha256=model.sha256,
    )
