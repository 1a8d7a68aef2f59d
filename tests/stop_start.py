"""What most scenarios of stopped runs begin with: leads, and a tab with their rows."""

from __future__ import annotations

from tests.stop_bench import Bench

SENT, REFUSED, PLAIN = "Заказ отправлен", "Отказ", "Консультация"


def new_leads(bench: Bench, count: int) -> None:
    """Leads in the trigger stage, every other one with a contact."""
    world = bench.world
    for number in range(len(bench.leads), len(bench.leads) + count):
        phone = f"+99890000000{number}" if number % 2 else ""
        lead = world.lead(f"Клиент {number}", phone=phone, price=1000 * (number + 1), fields={"Адрес": f"дом {number}"})
        bench.leads.append(lead)


def filled(bench: Bench, count: int = 4) -> None:
    """A tab with the rows of some leads, both sides at rest."""
    new_leads(bench, count)
    bench.world.pull()
    bench.world.push()
    bench.world.pull()
