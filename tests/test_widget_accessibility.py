"""The widget as a contract with people: WCAG 2.2 AA, by keyboard, by ear, enlarged and calm."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import LIVES, Chat, faults, opened, visiting
from playwright.sync_api import Browser, expect
from served import Served

KINDS = {
    "answer": LIVES,
    "clarify": "is it fatal?",
    "decline": "How many people in Canada have MS?",
    "smalltalk": "hello",
    "safety": "Should I stop taking my medication?",
}
# Clarify first: after an answer, "it" is known.
ORDER = ("clarify", "answer", "decline", "smalltalk", "safety")
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
PLAIN = {"color_scheme": "light", "contrast": "no-preference", "forced_colors": "none"}
LOOKS: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    ({"theme": "dark"}, {}),
    ({"theme": "contrast"}, {}),
    ({"theme": "contrast"}, {"color_scheme": "dark"}),
    ({"theme": "auto"}, {"color_scheme": "dark", "contrast": "more"}),
    ({"theme": "auto"}, {"color_scheme": "dark", "forced_colors": "active"}),
    ({"theme": "light", "accent": "#ffe100", "dir": "rtl"}, {}),
    ({"theme": "dark", "accent": "#101060"}, {}),
)


def asked_all(chat: Chat) -> None:
    for number, kind in enumerate(ORDER):
        chat.ask(KINDS[kind])
        assert kind in (chat.reply(number).get_attribute("class") or "")


def test_axe_finds_nothing_closed_open_and_after_each_kind_of_reply(embedded: Any) -> None:
    with embedded() as chat:
        expect(chat.launcher).to_be_visible()
        assert faults(chat.page) == []
        chat.open()
        chat.page.get_by_text("You could ask").wait_for()
        assert faults(chat.page) == []
        for number, kind in enumerate(ORDER):
            chat.ask(KINDS[kind])
            assert kind in (chat.reply(number).get_attribute("class") or "")
            assert faults(chat.page) == [], kind
        chat.page.get_by_text("Show the paragraph").first.click()
        chat.page.get_by_role("button", name="This helped").first.click()
        chat.page.get_by_role("button", name="Settings and help").click()
        chat.input.press_sequentially("how l")
        chat.page.get_by_role("option").first.wait_for()
        chat.input.press("ArrowDown")
        assert faults(chat.page) == [], "with all unfolded"
        assert chat.said == []


SPOIL = """() => {
    const shadow = document.querySelector("quoth-chat").shadowRoot;
    shadow.querySelector("[aria-label='Close']").removeAttribute("aria-label");
    shadow.querySelector("[title='Close']").removeAttribute("title");
    shadow.querySelector(".greeting p").style.color = "#ccc";
}"""


def test_axe_sees_faults_inside_the_chat(embedded: Any) -> None:
    with opened(embedded()) as chat:
        chat.page.get_by_text("You could ask").wait_for()  # what comes later would mend it
        chat.page.evaluate(SPOIL)
        assert {line.split(" | ")[0] for line in faults(chat.page)} == {
            "button-name",
            "color-contrast",
        }


def test_axe_finds_nothing_in_any_look(embedded: Any) -> None:
    with opened(embedded()) as chat:
        asked_all(chat)
        chat.page.get_by_text("Show the paragraph").first.click()
        chat.page.get_by_role("listitem").get_by_role("button").first.click()
        chat.reply(len(ORDER))
        for attributes, system in LOOKS:
            chat.host.evaluate(
                "(host, all) => Object.entries(all).forEach((one) => host.setAttribute(...one))",
                attributes,
            )
            chat.page.emulate_media(**{**PLAIN, **system})
            assert faults(chat.page) == [], (attributes, system)


def test_axe_finds_nothing_on_a_phone(embedded: Any) -> None:
    with opened(embedded(**PHONE)) as chat:
        chat.ask(LIVES)
        assert faults(chat.page) == []


def test_the_first_page_has_no_fault_in_light_and_dark(browser: Browser, served: Served) -> None:
    for scheme in ("light", "dark"):
        with visiting(browser, served.address, color_scheme=scheme) as chat:
            chat.page.locator("#previewed").get_by_role("combobox").wait_for()
            chat.input.wait_for()
            assert faults(chat.page) == []
            assert chat.said == []


LISTEN = """() => {
    const shadow = document.querySelector("quoth-chat").shadowRoot;
    window.heard = [];
    for (const live of shadow.querySelectorAll(":is([role=log], [role=status], [role=alert])")) {
        new MutationObserver((changes) => {
            for (const { addedNodes } of changes) for (const node of addedNodes) {
                if (node.textContent) heard.push([live.getAttribute("role"), node.textContent]);
            }
        }).observe(live, { childList: true, subtree: true });
    }
}"""


def test_each_reply_is_announced_once_as_plain_text(embedded: Any) -> None:
    with opened(embedded()) as chat:
        live = chat.page.locator("quoth-chat :is([aria-live], [role=log])")
        assert live.count() == 1
        assert live.get_attribute("aria-live") == "polite"
        transcript = chat.page.get_by_role("region", name="Conversation")
        assert transcript.get_attribute("tabindex") == "0"
        assert transcript.locator("[aria-live], [role=log], [role=status]").count() == 0
        chat.page.evaluate(LISTEN)
        asked_all(chat)
        chat.page.wait_for_timeout(300)
        heard = chat.page.evaluate("heard")
        told = [text for role, text in heard if role == "log"]
        assert len(told) == len(ORDER)
        assert "three to five years" in told[1]
        assert "It does not provide medical advice" not in told[1], "the note is not read each time"
        assert "1. Is MS a fatal disease?" in told[0], "options are read with the question"
        waits = [text for role, text in heard if role == "status"]
        assert waits == ["Looking it up …"] * len(ORDER)
        assert not [text for role, text in heard if role == "alert"]


def focused(chat: Chat) -> str:
    """Name of what has the focus, inside the chat or on the page."""
    return str(
        chat.page.evaluate(
            """() => {
                let node = document.activeElement;
                while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
                return node.getAttribute("aria-label") || node.labels?.[0]?.textContent
                    || node.textContent.trim().slice(0, 40) || node.localName;
            }"""
        )
    )


def test_the_keyboard_alone_is_enough(embedded: Any) -> None:
    with embedded() as chat:
        key = chat.page.keyboard.press
        key("Tab")
        key("Tab")
        assert focused(chat) == "Ask a question"
        key("Enter")
        chat.input.wait_for()
        assert focused(chat) == "Your question"
        chat.page.keyboard.type("is it fatal?")
        key("Enter")
        chat.reply(0)
        assert focused(chat) == "Your question", "a reply takes no focus"
        # Backwards through what came: the options, the conversation itself, then the head.
        walked = []
        while focused(chat) != "Conversation":
            key("Shift+Tab")
            walked.append(focused(chat))
            assert len(walked) < 12
        assert walked[:2] == ["Is ALS a fatal disease?", "Is MS a fatal disease?"]
        key("Shift+Tab")
        assert focused(chat) == "Close"
        for _ in range(len(walked) + 1):
            key("Tab")
        assert focused(chat) == "Your question"
        key("Shift+Tab")
        key("Enter")
        shown = chat.reply(1)
        assert focused(chat).startswith("Is ALS a fatal disease?")
        shown.locator("summary").focus()
        key("Enter")
        expect(shown.locator("mark")).to_be_visible()
        key("Tab")
        if focused(chat) == "Copy the answer":
            key("Tab")
        assert focused(chat) == "This helped"
        key("Space")
        expect(shown.get_by_role("textbox")).to_be_visible()
        key("Escape")
        expect(chat.input).to_be_hidden()
        assert focused(chat) == "Ask a question"


def test_beside_the_page_the_chat_lets_the_focus_out(embedded: Any) -> None:
    with opened(embedded()) as chat:
        dialog = chat.page.get_by_role("dialog")
        assert not dialog.evaluate("(node) => node.matches(':modal')")
        chat.page.get_by_role("link", name="A link").focus()
        assert focused(chat) == "A link"


def test_over_the_whole_phone_it_keeps_the_focus_in(embedded: Any) -> None:
    with opened(embedded(**PHONE, reduced_motion="reduce")) as chat:
        dialog = chat.page.get_by_role("dialog")
        assert dialog.evaluate("(node) => node.matches(':modal')")
        box = dialog.bounding_box()
        assert box is not None
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
        places = set()
        for _ in range(16):
            chat.page.keyboard.press("Tab")
            places.add(focused(chat))
        assert {"Close", "Your question", "Send"} <= places
        assert "A link" not in places
        chat.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert focused(chat) == "Ask a question"


def test_it_moves_between_beside_and_over_with_the_window(embedded: Any) -> None:
    with opened(embedded()) as chat:
        chat.input.fill("begun")
        for width, modal in ((390, True), (1100, False)):
            chat.page.set_viewport_size({"width": width, "height": 780})
            dialog = chat.page.get_by_role("dialog")
            expect(dialog).to_be_visible()
            chat.page.wait_for_function(
                "(modal) => document.querySelector('quoth-chat').shadowRoot"
                ".querySelector('dialog').matches(':modal') === modal",
                arg=modal,
            )
            assert chat.input.input_value() == "begun"
            assert focused(chat) == "Your question"


def test_it_opens_by_itself_without_taking_focus_and_never_over_a_phone(embedded: Any) -> None:
    with embedded('data-open=""') as chat:
        chat.input.wait_for()
        assert focused(chat) != "Your question"
    with embedded('data-open=""', **PHONE) as chat:
        expect(chat.launcher).to_be_visible()
        chat.page.wait_for_timeout(600)
        assert chat.page.locator("dialog[open]").count() == 0


OVERFLOW = """() => {
    const shadow = document.querySelector("quoth-chat").shadowRoot;
    const wide = [...shadow.querySelectorAll(".panel, .panel *")].filter((node) => {
        const { left, right, width } = node.getBoundingClientRect();
        return width > 1 && !node.closest(".hidden") && (left < -0.5 || right > innerWidth + 0.5);
    });
    return wide.map((node) => node.className || node.localName);
}"""


@pytest.mark.parametrize(
    ("width", "height"), [(320, 640), (320, 256)], ids=["320 pixels", "1280 x 1024 at 400 %"]
)
def test_nothing_is_cut_off_on_a_small_or_enlarged_page(
    embedded: Any, width: int, height: int
) -> None:
    with opened(embedded(viewport={"width": width, "height": height})) as chat:
        asked_all(chat)
        assert chat.page.evaluate(OVERFLOW) == []
        last = chat.replies.last
        last.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport()
        quote = chat.page.locator("blockquote").first
        quote.scroll_into_view_if_needed()
        # What is read is not covered by head, field or note.
        assert quote.evaluate(
            """(node) => {
                const { left, top } = node.getBoundingClientRect();
                const seen = node.getRootNode().elementFromPoint(left + 5, top + 5);
                return node.contains(seen);
            }"""
        )
        chat.input.scroll_into_view_if_needed()
        expect(chat.input).to_be_in_viewport(ratio=1)


def test_every_target_is_large_enough(embedded: Any) -> None:
    with opened(embedded()) as chat:
        asked_all(chat)
        chat.page.get_by_role("button", name="This helped").first.click()
        chat.page.get_by_role("button", name="Settings and help").click()
        small = chat.page.evaluate(
            """() => {
                const shadow = document.querySelector("quoth-chat").shadowRoot;
                const targets = shadow.querySelectorAll("button, input, textarea, summary, a");
                return [...targets]
                    .map((node) => [node.getBoundingClientRect(), node.outerHTML.slice(0, 80)])
                    .filter(([{ width, height }]) => width && (width < 24 || height < 24))
                    .map(([{ width, height }, html]) => `${width} x ${height}: ${html}`);
            }"""
        )
        assert small == []


def test_it_is_calm_where_motion_is_unwanted(embedded: Any) -> None:
    with embedded(reduced_motion="reduce") as chat:
        chat.page.route("**/api/ask", lambda route: None)  # so that it waits for the reply
        chat.open()
        chat.input.fill(LIVES)
        chat.input.press("Enter")
        expect(chat.page.locator(".typing")).to_be_visible()
        moving = "document.querySelector('quoth-chat').shadowRoot.getAnimations().length"
        assert chat.page.evaluate(moving) == 0


def test_from_right_to_left_all_is_mirrored(embedded: Any) -> None:
    with opened(embedded(html='lang="ar" dir="rtl"')) as chat:
        shown = chat.ask(LIVES)
        panel = chat.page.get_by_role("dialog").bounding_box()
        question = chat.page.locator(".question").bounding_box()
        send = chat.page.get_by_role("button", name="Send").bounding_box()
        assert panel
        assert question
        assert send
        assert panel["x"] < 100, "at the end of the line, which is left"
        assert question["x"] < panel["x"] + 40
        assert send["x"] < panel["x"] + 40
        quote = shown.locator("blockquote")
        assert quote.evaluate("(node) => getComputedStyle(node).direction") == "ltr"
