"""`tfdvae predict`."""

from pathlib import Path

from tfdvae._utils import files
from tfdvae.classifying import finding
from tfdvae.cli import starting, tasks
from tfdvae.cli.registry import register_command
from tfdvae.config.classify import PredictConfig
from tfdvae.image_io import writer


@register_command("predict", PredictConfig)
def predict(config: PredictConfig) -> int:
    """Write what a classifier says of images on disk."""
    source, output = Path(config.input).expanduser(), Path(config.output).expanduser()
    model = finding.find(config.model)
    if not source.exists():
        raise FileNotFoundError(f"`input` {config.input} does not exist.")
    writer.check_apart(output, True, {"model": config.model, "input": config.input})
    writer.check_file(output, (".csv",), config.overwrite)
    files.check_writable("output", output)
    with starting.tensorflow():
        from tfdvae._utils.threads import use_threads
        from tfdvae.classifying import model as models
        from tfdvae.classifying import predicting
    use_threads(config.threads)
    classifier = models.Classifier(model)
    tally = predicting.predict(classifier, source, output)
    return tasks.report(tally, source, output, classifier.about, takes_white=False)
