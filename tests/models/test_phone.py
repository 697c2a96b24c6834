# ruff: noqa: RUF001 - names and numbers as people write them
"""A telephone number is one value, read only from what can be nothing else."""

import pytest

from models.phone import MAX_TYPED, any_phone, meant_numbers, read_phone, stored_phone

ACCEPTED: dict[str, dict[str, tuple[str, ...]]] = {
    "US": {
        "+12175550143": (
            *("(217) 555-0143", "217.555.0143", "217-555-0143", "1 217 555 0143", "217/555-0143"),
            *("tel:+1-217-555-0143", "+1 (217) 555-0143", "[217] 555 0143", "'2175550143"),
            *("２１７－５５５－０１４３", "٢١٧٥٥٥٠١٤٣", "217\u2011555\u20110143"),
            *("217\u00a0555\u00a00143", "\u202a+1 217 555 0143\u202c", "011 1 217 555 0143"),
        ),
        "+12175550143;ext=45": (
            *("(217) 555-0143 ext. 45", "217 555 0143 x45", "217 555 0143, ext 45"),
            *("217 555 0143 #45", "tel:+12175550143;ext=45", "(217)555-0143 Extension 45"),
        ),
        "+493023125001": ("+49 30 23125001", "011 49 30 23125001", "0049 30 23125001"),
    },
    "DE": {
        "+493023125001": (
            *("030 23125001", "030/23125001", "030 / 23125001", "(030) 23125001", "3023125001"),
            *("+49 (0)30 23125001", "0049 30 23125001", "0049 (0)30/23125001", "+49/30/23125001"),
            *("030/2312-5001", "030\u201323125001"),
        ),
        "+493023125001;ext=45": ("030 23125001 Durchwahl 45", "030 23125001 DW 45"),
        "+4930231245": ("030 2312-45", "(030) 2312 - 45"),
        "+4921745550": ("02174/5550",),
    },
    "FR": {"+33123456789": ("01 23 45 67 89", "01.23.45.67.89", "+33 (0)1 23 45 67 89")},
    "GB": {"+442079460958": ("020 7946 0958", "(020) 7946-0958")},
    "RU": {"+74951234567": ("8 (495) 123-45-67", "+7 495 123-45-67")},
    "IT": {"+390612345678": ("06 1234 5678", "+39 06 1234 5678")},
    "AU": {"+493023125001": ("0011 49 30 23125001",), "+61411123456": ("0411 123 456",)},
    "JP": {"+81312345678": ("03-1234-5678",), "+493023125001": ("010 49 30 23125001",)},
    "PL": {"+48601234567": ("601.234.567",)},
}

REFUSED = {
    "DE": (
        *("301234567.0", "3,01234567E8", "301234567,0", "3.01234567E+08", "301.234.567.0"),
        *("030 2312 / 2313", "030 2312/2313", "2312/2313", "030 231/232", "+49 30 2312 / 2313"),
        *("030 2312 - 2313", "030 2312 (2313)", "0170 1234567/0171 7654321", "030 2312 +2313"),
        *("030 23125001 und 030 23125002", "030 23125001 & 2", "030 23125001\n030 23125002"),
        *("30/11/2026", "30.11.2026", "30. 11. 2026", "2026-11-30", "30-11-26", "30/11/2026 10:00"),
        *("46356", "", "+", "#", "Durchwahl 45", "030-23125001-", ")030( 23125001"),
    ),
    "US": (
        *("2.175550123E9", "2175550143.0", "2,175,550,143", "2.175.550.143", "2.175550143"),
        *("217-555-0143, 217-555-0144", "217 555 0143 or 0144", "217 555-0143/0144", "11/30/2026"),
        *("217-555-0143; 217-555-0144", "2175550143 2175550144", "217 555 0143 x45 x46"),
        *("1-800-FLOWERS", "unknown", "555-0100", "020 7946 0958", "-2175550143", "2" * 101),
    ),
}


@pytest.mark.parametrize("region", ACCEPTED)
def test_a_number_is_read_as_people_of_a_country_write_it(region: str) -> None:
    for stored, texts in ACCEPTED[region].items():
        for text in texts:
            phone = read_phone(text, region)
            assert phone is not None, text
            assert phone.stored == stored, text
            # What is stored and shown stands for the same, and each form that was typed finds it.
            assert read_phone(phone.stored, region) == read_phone(phone.display, region) == phone
            assert stored_phone(phone.stored, phone.display) == phone._replace(digits=frozenset())
            assert phone.words & set(meant_numbers(text.partition("ext")[0], region)), text


@pytest.mark.parametrize("region", REFUSED)
def test_what_may_be_something_else_is_no_number(region: str) -> None:
    assert [text for text in REFUSED[region] if read_phone(text, region)] == []


@pytest.mark.parametrize(
    ("text", "region", "display", "href"),
    [
        ("+12175550143", "US", "(217) 555-0143", "tel:+12175550143"),
        ("+12175550143;ext=45", "US", "(217) 555-0143 ext. 45", "tel:+12175550143;ext=45"),
        ("+12175550143", "DE", "+1 217-555-0143", "tel:+12175550143"),
        ("+14165550143", "US", "(416) 555-0143", "tel:+14165550143"),
        ("030/23125001", "DE", "030 23125001", "tel:+493023125001"),
        ("+493023125001", "UK", "+49 30 23125001", "tel:+493023125001"),
        ("555-0100", "US", "555-0100", "tel:5550100"),
    ],
)
def test_a_number_is_shown_as_the_practices_country_writes_it(
    text: str, region: str, display: str, href: str
) -> None:
    phone = any_phone(text, region)
    assert (phone.display, phone.href) == (display, href)


def test_a_text_that_is_too_long_is_no_number() -> None:
    longest = "217" + " " * (MAX_TYPED - 10) + "5550143"
    assert read_phone(longest, "US") is not None
    assert read_phone(longest.replace(" ", "  ", 1), "US") is None


def test_a_number_is_found_by_its_beginnings_and_its_last_digits() -> None:
    phone = any_phone("030/23125001 DW 45", "DE")
    assert phone.words == {"493023125001", "<100521320394"}
    assert any_phone("030/23125001", "US").words == {"03023125001", "<10052132030"}
    abroad = any_phone("+49 30 23125001", "US")
    assert abroad.words == {"493023125001", "3023125001", "03023125001", "<100521320394"}
    assert any_phone("unknown", "US").words == set()
    for typed, region, begins in (
        ("0049 30", "DE", "4930"),
        ("+49 (0)30 2", "DE", "49302"),
        ("011 49 30", "US", "4930"),
        ("030 2", "DE", "49302"),
        ("30 2", "DE", "49302"),
        ("(217) 555", "US", "1217555"),
        ("1 217", "US", "1217"),
        ("8 (495)", "RU", "7495"),
        ("812", "RU", "7812"),
        ("06 1", "HU", "361"),
        ("06", "IT", "3906"),
    ):
        assert begins in meant_numbers(typed, region)
