"""The page of a user's choices: Russian and English, a form without a script, nothing loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import web
from jinja2 import Environment, StrictUndefined

from connectors.http.choice_groups import STOPS
from connectors.http.unsubscribe_page import HEADERS, STYLE, language_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.http.choice_groups import Group

WORDS: Final[dict[str, dict[str, str]]] = {
    "ru": {
        "title": "Настройки уведомлений",
        "about": "Отметьте, что и как вам присылать, и нажмите «Сохранить».",
        "partly": "включено частично",
        "stops": "Отписки",
        "stop": "Отключает всё необязательное, что ни отмечено выше. Снимите отметку, чтобы вернуться.",
        "always": "Всегда приходят",
        "save": "Сохранить",
        "saved": "Сохранено. Изменения уже действуют.",
        "other": "In English",
        "lost_title": "Ссылка не работает",
        "lost": "Откройте ссылку из сообщения ещё раз или измените настройки в профиле.",
        "away_title": "Не получилось",  # noqa: RUF001 - Russian
        "away": "Ничего не изменено или изменено не всё. Попробуйте ещё раз через минуту.",
        "transactional": "Заказы и платежи",
        "system": "Системные сообщения",
        "social": "Друзья и общение",
        "marketing": "Новости и акции",
        "all_marketing": "Никакой рекламы",
        "email": "Электронная почта",
        "push": "Push-уведомления",
        "sms": "SMS",
        "in_app": "В приложении",  # noqa: RUF001 - Russian
    },
    "en": {
        "title": "Notification settings",
        "about": "Choose what to get and how, and press Save.",
        "partly": "partly on",
        "stops": "Unsubscribed from",
        "stop": "Stops all that is not mandatory, whatever is ticked above. Clear a box to come back.",
        "always": "Always sent",
        "save": "Save",
        "saved": "Saved. The changes are in force.",
        "other": "По-русски",
        "lost_title": "This link does not work",
        "lost": "Open the link in the message again, or change your settings in the profile.",
        "away_title": "That did not work",
        "away": "Nothing was changed, or not all of it. Please try again in a minute.",
        "transactional": "Orders and payments",
        "system": "System messages",
        "social": "Friends and messages",
        "marketing": "News and offers",
        "all_marketing": "All advertising",
        "email": "E-mail",
        "push": "Push notifications",
        "sms": "Text messages",
        "in_app": "In the app",
    },
}
OTHER: Final = {"ru": "en", "en": "ru"}
PAGE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
{% if saved %}<p role="status"><strong>{{ words.saved }}</strong></p>
{% endif %}<p>{{ about }}</p>
{% if shown %}<form method="post">
<input type="hidden" name="form" value="{{ shown.form }}">
{% for group in shown.groups %}<fieldset>
<legend>{{ words[group.category] }}</legend>
<p id="about-{{ group.category }}">{{ group.titles|join(", ") }}</p>
{% for box in group.boxes %}<p>
{% if box.is_on %}<input type="hidden" name="shown" value="{{ box.name }}">{% endif %}
<label><input type="checkbox" name="on" value="{{ box.name }}" aria-describedby="about-{{ group.category }}"
{%- if box.is_on %} checked{% endif %}> {{ words[box.channel] }}
{%- if box.is_partly %} ({{ words.partly }}){% endif %}</label></p>
{% endfor %}</fieldset>
{% endfor %}<fieldset>
<legend>{{ words.stops }}</legend>
<p id="about-stops">{{ words.stop }}</p>
{% for word in stops %}{% set name = "stop." ~ word %}
<p>{% if name in shown.stopped %}<input type="hidden" name="shown" value="{{ name }}">{% endif %}
<label><input type="checkbox" name="on" value="{{ name }}" aria-describedby="about-stops"
{%- if name in shown.stopped %} checked{% endif %}> {{ words[word] }}</label></p>
{% endfor %}</fieldset>
{% if shown.always %}<p>{{ words.always }}: {{ shown.always|join(", ") }}.</p>
{% endif %}<p><button type="submit">{{ words.save }}</button></p>
</form>
<p><a href="?token={{ shown.token|urlencode }}&amp;lang={{ other }}" lang="{{ other }}">
{{- words.other }}</a></p>
{% endif %}</main>
</body>
</html>
"""
)


class Content(NamedTuple):
    """What the form shows. `token`: of the page's link; `form`: what the form must bring back."""

    groups: Sequence[Group]
    stopped: frozenset[str]
    always: Sequence[str]
    token: str
    form: str


def spoken(request: web.Request) -> str:
    """The language that the visitor asked for, else that of his program."""
    asked = request.query.get("lang", "")
    return asked if asked in WORDS else language_of(request.headers.get("Accept-Language", ""))


def choice_page(language: str, shown: Content, *, saved: bool = False) -> web.Response:
    """The page with its form."""
    return _page(language, ("title", "about"), 200, shown, saved=saved)


def sorry_page(language: str, word: str, status: int) -> web.Response:
    """A page without a form: `lost` or `away`."""
    return _page(language, (f"{word}_title", word), status, None)


def _page(
    language: str, heads: tuple[str, str], status: int, shown: Content | None, *, saved: bool = False
) -> web.Response:
    words = WORDS[language]
    html = PAGE.render(
        language=language,
        other=OTHER[language],
        words=words,
        title=words[heads[0]],
        about=words[heads[1]],
        style=STYLE,
        stops=STOPS,
        shown=shown,
        saved=saved,
    )
    return web.Response(text=html, status=status, content_type="text/html", charset="utf-8", headers=HEADERS)
