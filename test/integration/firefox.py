"""A real Firefox ESR without a window, whose push service is our webpush_fake.

The page that it opens registers a service worker and subscribes with the VAPID key given; what
page, worker and push client say is in the fake's log (`from`: "page", "worker", "ack").
"""
import json
import pathlib

from bongsu import wait_for
from peers import Process

PREFERENCES = {
    "dom.push.enabled": True,
    "dom.push.connection.enabled": True,
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.push.testing.ignorePermission": True,
    "dom.serviceWorkers.testing.enabled": True,
    "permissions.default.desktop-notification": 1,
    "alerts.useSystemBackend": False,  # there is no desktop to show a notification
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.server": "",
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "services.settings.server": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "browser.safebrowsing.update.enabled": False,
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "browser.search.update": False,
}


class Firefox:
    """Starts it and waits until its page has subscribed: `subscription`."""

    def __init__(self, directory, fake, vapid_public, seconds=90):
        self.fake = fake
        home = pathlib.Path(directory) / "firefox"
        profile = home / "profile"
        profile.mkdir(parents=True)
        settings = {**PREFERENCES, "dom.push.serverURL": f"ws://127.0.0.1:{fake.port}/"}
        (profile / "user.js").write_text("".join(
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in settings.items()))
        self.process = Process(
            ["firefox-esr", "--headless", "--no-remote", "--profile", profile,
             f"http://localhost:{fake.port}/?key={vapid_public}"], home / "firefox.log",
            env={"HOME": str(home), "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"})
        try:
            said = wait_for(lambda: self.said("page"), seconds, self.process.output)[0]
        except Exception:
            self.stop()
            raise
        self.subscription = said.get("subscription")
        self.error = said.get("error")

    def said(self, who):
        """Entries of the fake's log from "page", "worker" or "ack"."""
        return [entry for entry in self.fake.requests() if entry.get("from") == who]

    def stop(self):
        """Ends it by pid; it takes its content processes with it."""
        self.process.child.terminate()
        self.process.stop()
