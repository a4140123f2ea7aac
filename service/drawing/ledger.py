"""Picture of the ledger: the maps and contributions of the filter pairs, and the sum."""

from konkyo.models.architecture import Factor
from konkyo.models.filters.contributions import FilterExplanation
from konkyo.models.rounding import number
from konkyo.service.drawing.layout.pairs import draw_pairs
from konkyo.service.drawing.layout.wording import class_name, logit_words, many
from konkyo.service.drawing.layout.words import add_words, picture, say
from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "why": ("predicted {name}: why {target}{contrast}?", "「{name}」と認識。なぜ「{target}」{contrast}か"),
        "and not": (" and not {versus}", "で「{versus}」ではないの"),
        "nothing": ("", "なの"),
        "typical": (
            "Use of filters: more usual than in {share} of correctly predicted {images}.",
            "フィルタの使い方は、正しく認識された{images}の {share} より典型的。",
        ),
        "secant": (
            "{name}: the parts are those of a secant. Their sum is exact, their slope is not the gradient's.",
            "{name}: 割線による分解です。和は正確ですが、傾きは勾配とは異なります。",
        ),
        "class bias": ("class bias", "クラスのバイアス"),
        "class biases": ("class biases", "クラスのバイアス"),
    }
)


@picture
def ledger(result: FilterExplanation, style: Style = Style()) -> Canvas:
    """Draw the map and the contribution of every pair, of many pairs of the greatest, and the sum of all of them."""
    account, typicality = result.account, result.typicality
    notes = []
    if typicality:
        share, images = f"{number(typicality.percentile, 0)}%", many(class_name(result.network, result.target))
        notes.append(say("typical", share=share, images=images))
    if result.factor is Factor.SECANT:
        notes.append(say("secant", name=", ".join(result.network.architecture.secants)))
    rest = {
        say("filter biases"): float(account.filter_bias.sum()),
        say("class bias" if result.versus is None else "class biases"): account.class_bias,
    }
    return draw_pairs(
        _question(result),
        result.network,
        result.image,
        account.maps,
        account.contributions,
        say("per cell"),
        notes,
        rest,
        (logit_words(result), account.logit),
        style,
    )


def _question(result: FilterExplanation) -> str:
    predicted, target = (class_name(result.network, one) for one in (result.predicted, result.target))
    contrast = (
        say("nothing") if result.versus is None else say("and not", versus=class_name(result.network, result.versus))
    )
    return say("why", name=predicted, target=target, contrast=contrast)
