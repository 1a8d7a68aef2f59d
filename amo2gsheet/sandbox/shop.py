"""A small shop to try the program on: an amoCRM account with leads, and a spreadsheet with a Staff tab. Invented people."""

from __future__ import annotations

import json
import time
from datetime import date

from amo2gsheet.sandbox.amo import AmoCloud
from amo2gsheet.sandbox.sheets import SheetsCloud
from amo2gsheet.sandbox.sheets_people import Person
from amo2gsheet.sandbox.sheets_render import Formats, shown

TAB = "Заказы"
ID, NAME, STATUS = "ID", "Ф.И.О.", "статус"
_DAY = 86_400

_PIPELINES = {
    "Продажи": ("Консультация", "NOMERATSIYALANMAGAN ZAKAZ", "Заказ отправлен", "Отказ"),
    "Baza Uspeshno": ("ДУМКА", "Заказ без нумерации", "ЗАКАЗ  ОТПРАВЛЕН", "OTKAZ"),
}
"""Pipeline → its ordinary stages. The same stages are spelt in two ways, as in accounts that grew over years."""

_FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Заказ №", "text", ()),
    ("Продукт 1", "text", ()),
    ("Количество 1", "numeric", ()),
    ("Продукт 2", "text", ()),
    ("Количество 2", "numeric", ()),
    ("Группа", "select", ("Розница", "Опт")),
    ("Дата заказа", "date", ()),
    ("Дата доставка", "date", ()),
    ("Регион", "select", ("Ташкент", "Самарканд", "Бухара")),
    ("Адрес", "textarea", ()),
    ("Тип продажи", "select", ("Наличные", "Карта")),
    ("Продажа в рассрочку", "checkbox", ()),
    ("Код сотрудника", "text", ()),
)
_STAFF = (("Код сотрудника", "Сотрудник"), ("007", "Лола Р."), ("12", "Тимур А."))


class ShopClock:
    """Real time plus what a story skips. Never goes back, even when the machine's clock does."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def time(self) -> float:
        """Unix seconds."""
        return self._offset + time.monotonic()

    def skip(self, seconds: float) -> None:
        """Let time pass for both clouds at once."""
        self._offset += seconds


class Shop:
    """Both clouds of one shop, with a lead in consultation since yesterday and nothing in the sheet yet.

    Not thread-safe: while they are served, hold the server's lock. `person` works in the tab that the program fills.
    """

    def __init__(self) -> None:
        self.clock = ShopClock()
        self.amo = AmoCloud(self.clock.time, "http://127.0.0.1")
        self.sheets = SheetsCloud(self.clock.time)
        self.account = self.amo.account
        self.sales, self.base = (self.account.add_pipeline(name, stages) for name, stages in _PIPELINES.items())
        for name, kind, options in _FIELDS:
            self.account.add_lead_field(name, kind, options)
        self._users = [self.account.add_user(name) for name in ("Азиза М.", "Рустам К.")]
        self.person = Person(self.sheets, "Sheet1")
        self.person.rename_tab(TAB)
        self.person.add_tab("Staff", _STAFF)
        self._consult()

    @property
    def settings(self) -> dict[str, str]:
        """What the program's settings say about this shop, besides addresses and keys."""
        names = json.dumps({"Baza Uspeshno": "База"}, ensure_ascii=False)
        return {"GOOGLE_WORKSHEET_NAME": TAB, "PIPELINE_DISPLAY_MAP_JSON": names}

    def move_to(self, amo_url: str, sheets_url: str) -> None:
        """Take the addresses at which the clouds are served; amoCRM's links begin with its own."""
        self.amo.host = self.amo.oauth.host = amo_url
        self.sheets.host = sheets_url

    def _consult(self) -> None:
        yesterday = int(self.clock.time()) - _DAY
        contact = self.account.add_contact("Дина Пак", ["+998 00 000-00-05"])
        stage = self.account.stage_id(self.sales, "Консультация")
        self.account.add_lead(
            "Дина Пак", lead_id=4710, pipeline_id=self.sales, status_id=stage, contacts=[contact], created_at=yesterday
        )

    def take_orders(self) -> None:
        """Four leads reach the trigger stage of their pipelines."""
        account = self.account
        bazaar = account.add_company("ООО «Базар»")
        anna = account.add_contact("Анна Ким", ["+998 00 000-00-01", "+998 00 000-00-11"])
        boris = account.add_contact("Борис Ли", ["+998 00 000-00-02"], company=bazaar)
        vera = account.add_contact("Вера Цой", ["+998 00 000-00-03"])
        gulya = account.add_contact("Гуля А.", ["+998 00 000-00-04"])
        self._order(4711, vera, self.sales, "041", date(2026, 3, 2), 320_000, "Чайник", "Ташкент", "007")
        self._order(4712, anna, self.base, "042", date(2026, 3, 2), 1_250_000, "Ковёр", "Самарканд", "12")
        self._order(4713, gulya, self.base, "043", date(2026, 3, 3), 90_000, "Пиала", "Бухара", "007")
        self._order(4714, boris, self.sales, "007", date(2026, 3, 3), 4_800_000, "Казан", "Ташкент", "", company=bazaar)

    def _order(
        self,
        lead_id: int,
        contact: int,
        pipeline_id: int,
        number: str,
        ordered: date,
        price: int,
        product: str,
        region: str,
        code: str,
        company: int | None = None,
    ) -> None:
        fields = {
            "Заказ №": number,
            "Продукт 1": product,
            "Количество 1": 1,
            "Дата заказа": ordered,
            "Регион": region,
            "Код сотрудника": code or None,
        }
        self.account.add_lead(
            f"Заказ {number}",
            lead_id=lead_id,
            price=price,
            pipeline_id=pipeline_id,
            status_id=self.trigger(pipeline_id),
            contacts=[contact],
            company=company,
            fields=fields,
            responsible=self._users[lead_id % 2],
        )

    def trigger(self, pipeline_id: int) -> int:
        """The stage of a pipeline that brings a lead into the sheet."""
        names = {stages[1] for stages in _PIPELINES.values()}
        return next(stage.id for stage in self.account.pipelines[pipeline_id].stages if stage.name in names)

    def stage_of(self, lead_id: int) -> str:
        """The name of the stage in which a lead stands, as amoCRM spells it."""
        lead = self.account.leads.current[lead_id]
        return next(stage.name for stage in self.account.pipelines[lead.pipeline_id].stages if stage.id == lead.status_id)

    def sheet_texts(self) -> list[list[str]]:
        """The tab as a person sees it, row by row, without the blank ones at its end."""
        tab, formats = self.person.tab, Formats(self.person.tab)
        locale = next(iter(self.sheets.books.values())).locale
        return [
            [shown(value, formats.of(row, column), locale) for column, value in enumerate(line)]
            for row, line in enumerate(self.sheets.table(tab.title))
        ]
