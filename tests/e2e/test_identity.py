"""Who one is, in a browser: passkeys in a device that Chromium plays, an app's codes, the lock, the fresh proof, a forgotten factor."""

import re
import secrets
from typing import Any

import psycopg
import pyotp

from tests.e2e.reading import PATIENCE_S
from tests.peers.heliograph import Server

PATIENCE_MS = PATIENCE_S * 1000
PASSWORD = "correct horse battery"


class Person:
    """One person at one browser, with a device that keeps passkeys."""

    def __init__(self, server: Server, browser: Any, name: str, roles: list[str]) -> None:
        self.server = server
        self.name = f"{name} {secrets.token_hex(3)}"
        made = server.client().post(
            "/api/users", json={"name": self.name, "display_name": self.name.title(), "roles": roles}
        )
        self.link = made.raise_for_status().json()["link"]
        self.id = made.json()["id"]
        self.context = browser.new_context(
            base_url=server.http, viewport={"width": 1366, "height": 768}, locale="en-GB", timezone_id="Europe/Berlin"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        device = self.context.new_cdp_session(self.page)
        device.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        self.key = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
        self.device = device

    def come_by_link(self, link: str | None = None) -> None:
        self.page.goto(f"/signin#link={link or self.link}")

    def set_password(self) -> None:
        self.page.get_by_label("New password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Set password").click()
        self.menu().wait_for()

    def menu(self) -> Any:
        return self.page.get_by_role("button", name=re.compile("^Your account"))

    def choose(self, item: str) -> None:
        self.menu().click()
        self.page.get_by_role("menuitem", name=item).click()

    def sign_in(self) -> None:
        self.page.get_by_label("Name", exact=True).fill(self.name)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def prove(self) -> None:
        """Answers the question for a fresh proof when it comes."""
        dialog = self.page.get_by_role("dialog", name="Show that it is you")
        dialog.get_by_label("Password", exact=True).fill(PASSWORD)
        dialog.get_by_role("button", name="Go on").click()
        dialog.wait_for(state="detached")

    def make_stale(self) -> None:
        """The last proof of this person is older than any site allows."""
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute(
                "update session set proven_at = now() - interval '1 day' where user_id = %s and revoked_at is null",
                (self.id,),
            )

    def close(self) -> None:
        self.context.close()


def test_a_new_reader_with_a_passkey(house: Server, browser: Any, picture: Any) -> None:
    reader = Person(house, browser, "passkey reader", ["radiologist"])
    page = reader.page
    reader.come_by_link()
    reader.set_password()
    reader.choose("Account and security")
    page.get_by_label("Name of the device").fill("Reading room 2")
    reader.make_stale()
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("dialog", name="Show that it is you").wait_for()
    picture(page, "step-up")
    reader.prove()
    page.get_by_text("Reading room 2").wait_for()
    picture(page, "account-passkey")
    reader.choose("Sign out")
    page.get_by_role("button", name="Sign in with a passkey").wait_for()
    picture(page, "signin")
    page.get_by_role("button", name="Sign in with a passkey").click()
    reader.menu().wait_for()
    reader.choose("Lock the screen")
    page.get_by_text("The screen is locked").wait_for()
    picture(page, "lock")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("The screen is locked").wait_for(state="detached")
    reader.close()


def test_an_app_recovery_codes_and_a_forgotten_second_factor(house: Server, browser: Any, picture: Any) -> None:
    reader = Person(house, browser, "app reader", ["radiologist"])
    page = reader.page
    reader.come_by_link()
    reader.set_password()
    page.goto("/account")
    page.get_by_role("button", name="Set up an app").click()
    secret = page.locator("main code").inner_text()
    picture(page, "totp")
    app = pyotp.TOTP(secret)
    page.locator("main input[inputmode=numeric]").first.click()
    page.keyboard.type(app.now())
    page.get_by_text("Keep these recovery codes").wait_for()
    codes = page.locator("ul[dir=ltr] li").all_inner_texts()
    assert len(codes) == 10
    picture(page, "recovery")
    page.get_by_role("button", name="I have kept it").click()
    reader.choose("Sign out")
    reader.sign_in()
    page.get_by_text("One more step").wait_for()
    picture(page, "second")
    page.get_by_text("Recovery code", exact=True).click()
    page.get_by_label("Recovery code").last.fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    reader.menu().wait_for()
    boss = Person(house, browser, "boss", ["admin"])
    boss.come_by_link()
    boss.set_password()
    boss.page.goto("/users")
    boss.page.get_by_text(reader.name.title()).first.dblclick()
    boss.page.get_by_text("Sign-in", exact=True).click()
    boss.page.get_by_role("button", name="Reset second factor").click()
    boss.make_stale()
    boss.page.get_by_role("button", name="Reset second factor").last.click()
    boss.prove()
    code = boss.page.locator("code").filter(has_text="signin#link").inner_text()
    picture(boss.page, "reset")
    page.reload()
    page.get_by_role("button", name="Sign in", exact=True).wait_for()
    reader.sign_in()
    page.get_by_text("Name and password do not fit together").wait_for()
    page.goto("about:blank")
    reader.come_by_link(code.partition("#link=")[2])
    page.get_by_role("button", name="Set up an app").wait_for()
    assert page.get_by_role("link", name="Studies").count() == 0, "nothing else opens before there is a new factor"
    picture(page, "enrol-anew")
    page.get_by_label("Name of the device").fill("New phone")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("link", name="Studies").wait_for()
    boss.close()
    reader.close()
