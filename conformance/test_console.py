"""The web pages, as a browser without scripts sees them."""

import html.parser
import http.client
import json
import urllib.parse

import pytest

STRANGER = '<script>alert("x")</script>'


class Page(html.parser.HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def attributes(self, tag, name):
        return [attributes[name] for found, attributes in self.elements if found == tag and name in attributes]


class Browser:
    """Keeps its cookie, follows nothing by itself."""

    def __init__(self, server):
        self.address = server.ready["http"]
        self.cookie = None

    def ask(self, method, path, form=None, **headers):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        if self.cookie:
            headers["Cookie"] = self.cookie
        body = urllib.parse.urlencode(form) if form is not None else None
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        set_cookie = answer.getheader("Set-Cookie")
        if set_cookie:
            self.cookie = set_cookie.split(";")[0]
        return answer

    def page(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, (path, answer.status, answer.text[:500])
        return Page(answer.text)

    def sign_in(self, key_id, secret, **more):
        return self.ask("POST", "/console/sign-in", {"key-id": key_id, "secret": secret} | more)


def key(server):
    """The id and the secret of the first key."""
    return server.credentials["aws_access_key_id"], server.credentials["aws_secret_access_key"]


@pytest.fixture
def browser(server):
    browser = Browser(server)
    answer = browser.sign_in(*key(server))
    assert (answer.status, answer.getheader("Location")) == (303, "/console")
    return browser


@pytest.fixture
def rejected(server, connector):
    """A call that was refused: nobody owns its caller's number."""
    arguments = ["--from", "+12065550177", "--to", "+12065550100", "--connector", connector["VoiceConnectorId"]]
    assert server.run("call", *arguments, check=False).returncode == 1
    calls = json.loads(server.run("calls", "--output", "json").stdout)["calls"]
    return next(it for it in calls if it["state"] == "rejected")


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(server):
    stranger = Browser(server)
    answer = stranger.ask("GET", "/console/calls?state=rejected")
    assert answer.status == 303
    where = answer.getheader("Location")
    assert where == "/console/sign-in?next=%2Fcalls%3Fstate%3Drejected"
    form = stranger.page(where)
    assert dict(zip(form.attributes("input", "name"), form.attributes("input", "value")))["next"] == "/calls?state=rejected"
    key_id, secret = key(server)
    answer = stranger.sign_in(key_id, secret, next="/calls?state=rejected")
    assert (answer.status, answer.getheader("Location")) == (303, "/console/calls?state=rejected")


def test_a_wrong_secret_is_refused_and_shown_nowhere(server):
    stranger = Browser(server)
    key_id, _ = key(server)
    answer = stranger.sign_in(key_id, "not the secret")
    assert answer.status == 401
    assert "no access key has this id and this secret" in answer.text
    assert "not the secret" not in answer.text
    assert stranger.cookie is None
    assert stranger.ask("GET", "/console").status == 303


def test_a_session_cookie_is_for_the_console_and_no_script(server):
    browser = Browser(server)
    answer = browser.sign_in(*key(server))
    attributes = {it.strip() for it in answer.getheader("Set-Cookie").split(";")[1:]}
    assert attributes == {"Path=/console", "HttpOnly", "SameSite=Strict"}
    assert key(server)[1] not in server.log_text()
    assert browser.cookie.split("=")[1] not in server.log_text()


def test_signing_out_ends_the_session(server, browser):
    cookie = browser.cookie
    assert browser.ask("POST", "/console/sign-out", {}).status == 303
    browser.cookie = cookie
    assert browser.ask("GET", "/console").status == 303


def test_another_sites_page_can_neither_sign_in_nor_out(server, browser):
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert browser.ask("POST", "/console/sign-out", {}, **foreign).status == 403
    browser.page("/console")
    key_id, secret = key(server)
    answer = Browser(server).ask("POST", "/console/sign-in", {"key-id": key_id, "secret": secret}, **foreign)
    assert (answer.status, answer.getheader("Set-Cookie")) == (403, None)


def test_the_overview_shows_the_process_and_the_health_of_carriers(server, browser):
    server.run("carrier", "add", "north", "--host", "127.0.0.1", "--port", "5999")
    try:
        page = browser.page("/console")
    finally:
        server.run("carrier", "remove", "north")
    assert "north" in page.text
    assert server.ready["sip_udp"] in page.text
    assert page.attributes("script", "src") == [] and not any(tag == "script" for tag, _ in page.elements)


def test_a_refused_call_is_found_with_its_reason_and_remedy(browser, rejected):
    listed = browser.page("/console/calls?state=" + rejected["state"])
    link = f"/console/calls/{rejected['transaction_id']}"
    assert link in listed.attributes("a", "href")
    assert rejected["reason"] in listed.text
    page = browser.page(link)
    assert rejected["reason"] in page.text and rejected["call_id"] in page.text
    refusals = [attributes for tag, attributes in page.elements if tag == "li" and attributes.get("class") == "refuse"]
    assert len(refusals) == 1
    assert any(attributes.get("class") == "remedy" for tag, attributes in page.elements if tag == "p")
    by_call_id = browser.page("/console/calls/" + urllib.parse.quote(rejected["call_id"], safe=""))
    assert rejected["transaction_id"] in by_call_id.text
    assert rejected["reason"] in browser.page("/console").text


def test_a_strangers_text_stays_text(browser):
    quoted = urllib.parse.quote(STRANGER)
    for path in [f"/console/calls?from={quoted}", f"/console/calls/{urllib.parse.quote(STRANGER, safe='')}"]:
        answer = browser.ask("GET", path)
        assert STRANGER not in answer.text
        assert not any(tag == "script" for tag, _ in Page(answer.text).elements)
        assert answer.status in (200, 404), path
    answer = browser.sign_in(STRANGER, "x")
    assert answer.status == 401 and STRANGER not in answer.text


def test_every_page_forbids_what_it_does_not_need(server, browser):
    for path in ["/console", "/console/calls", "/console/sign-in", "/console/nowhere", "/console/style.css"]:
        answer = browser.ask("GET", path)
        policy = answer.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, path
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("x-amzn-RequestId")
    assert browser.ask("GET", "/console/nowhere").status == 404
    assert browser.ask("POST", "/console/calls", {}).status == 405
    assert browser.ask("GET", "/consoles").status in (403, 404)


def test_a_key_that_may_not_look_is_told_so_on_the_page(server):
    made = json.loads(server.run("key", "create", "--account", "111122223333", "--output", "json").stdout)
    tenant = Browser(server)
    assert tenant.sign_in(made["access_key_id"], made["secret_access_key"]).status == 303
    answer = tenant.ask("GET", "/console")
    assert answer.status == 403
    assert "trunkline:GetStatus" in answer.text
    server.run("key", "disable", made["access_key_id"])
    assert tenant.ask("GET", "/console").status == 303
