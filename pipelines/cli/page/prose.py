"""The section of prose on a warning's page: asked for, checked, and left out with the reason where it cannot stand."""

from __future__ import annotations

import asyncio

from connectors.explainer import ChatExplainer, ExplainerFailed
from models.alerting.page import Facts
from models.alerting.prose import ASKED, Unfounded, answered, asking
from pipelines.cli.report.sections import Section
from pipelines.settings import Settings

TITLE = "In prose"


def explainer_of(settings: Settings) -> ChatExplainer:
    """The one that is set. Raises ExplainerFailed where none is."""
    return ChatExplainer(settings.explainer_url, settings.explainer_model, settings.explainer_key.get_secret_value())


def in_prose(facts: Facts, explainer: ChatExplainer) -> Section:
    """What the model makes of the page, or why there is nothing: the page stands without it."""
    asked = asking(facts)
    try:
        said = answered(asyncio.run(explainer.prose(ASKED, asked.text)), asked)
    except (ExplainerFailed, Unfounded) as wrong:
        return Section(TITLE, (f"None: {wrong}.",))
    return Section(TITLE, (said, f"Written by {explainer.model} from the facts on this page, which are what counts."))
