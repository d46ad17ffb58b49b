"""Templates: versions, Mustache, locales, partials, previews, and errors with line and column."""
import json
import unittest

from case import ServerCase, unique

EMAIL = {"from": "Shop <no-reply@shop.example>", "subject": "Order {{order.id}}",
         "html": "<p>{{note}}</p>", "text": "{{note}}"}


class Templates(ServerCase):
    """/v1/templates/{name}."""

    def put(self, source, name=None):
        name = name or unique("t")
        return name, self.app.put(f"/v1/templates/{name}", source)

    def preview(self, name, **body):
        return self.app.must("POST", f"/v1/templates/{name}/preview", body)

    def test_each_put_makes_a_new_version_that_stays_as_it_is(self):
        name, first = self.put({"sms": {"text": "one"}})
        self.assertIn(first.status, (200, 201), first)
        self.assertEqual(first.json["version"], 1)
        self.assertEqual(self.put({"sms": {"text": "two"}}, name)[1].json["version"], 2)
        latest = self.app.must("GET", f"/v1/templates/{name}")
        self.assertEqual((latest["version"], latest["sms"]["text"]), (2, "two"))
        old = self.app.must("GET", f"/v1/templates/{name}?version=1")
        self.assertEqual((old["version"], old["sms"]["text"]), (1, "one"))
        self.assert_problem(self.app.get(f"/v1/templates/{name}?version=3"), 404)
        self.assert_problem(self.app.get("/v1/templates/none"), 404)
        listed = self.app.must("GET", "/v1/templates?limit=200")["data"]
        self.assertIn((name, 2), [(t["name"], t["version"]) for t in listed])

    def test_a_syntax_error_has_its_line_and_column(self):
        for source, pointer in [
                ({"sms": {"text": "one\ntwo {{#open}} three"}}, "/sms/text"),
                ({"sms": {"text": "a {{/closed}}"}}, "/sms/text"),
                ({"push": {"title": "{{", "body": "b"}}, "/push/title"),
                ({"email": {**EMAIL, "html": "{{#a}}{{/b}}"}}, "/email/html"),
                ({"sms": {"text": "x"}, "locales": {"ko": {"sms": {"text": "{{{x}}"}}}},
                 "/locales/ko/sms/text")]:
            with self.subTest(source=source):
                name, answer = self.put(source)
                detail = self.assert_faults(answer, [pointer])[pointer]
                self.assertRegex(detail, r"line \d+.*column \d+")
                self.assert_problem(self.app.get(f"/v1/templates/{name}"), 404)
        detail = self.assert_faults(self.put({"sms": {"text": "one\ntwo {{#open}} three"}})[1],
                                    ["/sms/text"])["/sms/text"]
        self.assertIn("line 2", detail)

    def test_faults_are_listed(self):
        _, answer = self.put({"sms": {"text": 5, "txt": "x"}, "fax": {}, "push": {"title": []},
                              "locales": {"ko": {"sms": {"text": 1}}, "!": {}}})
        problem = self.assert_problem(answer, 400)
        found = {fault["pointer"] for fault in problem["errors"]}
        for pointer in ("/sms/text", "/sms/txt", "/fax", "/push/title", "/locales/ko/sms/text"):
            self.assertIn(pointer, found)

    def test_variables_sections_and_escaping(self):
        name, _ = self.put({
            "push": {"title": "{{a.b}} & {{note}}", "body": "{{#items}}{{name}} {{/items}}"
                                                            "{{^none}}no{{/none}}{{! c }}",
                     "data": {"k": "{{a.b}}"}},
            "sms": {"text": "{{=<% %>=}}<%note%>"}, "email": EMAIL})
        shown = self.preview(name, data={"a": {"b": 42}, "note": "<&> \"'", "order": {"id": 7},
                                         "items": [{"name": "x"}, {"name": "y"}]})
        self.assertEqual(shown["push"]["title"], "42 & <&> \"'")
        self.assertEqual(shown["push"]["body"], "x y no")
        self.assertEqual(shown["push"]["data"], {"k": "42"})
        self.assertEqual(shown["sms"]["text"], "<&> \"'")
        self.assertEqual(shown["email"]["text"], "<&> \"'")
        self.assertEqual(shown["email"]["subject"], "Order 7")
        self.assertNotIn("<&>", shown["email"]["html"])
        self.assertIn("&lt;&amp;&gt; &quot;", shown["email"]["html"])

    def test_locales_fall_back_from_region_to_language_to_default(self):
        name, _ = self.put({"sms": {"text": "plain"}, "push": {"title": "T", "body": "B"},
                            "locales": {"ko": {"sms": {"text": "한국어"}},
                                        "pt-BR": {"sms": {"text": "brasil"}}}})
        for locale, text in [("ko-KR", "한국어"), ("ko", "한국어"), ("KO-kr", "한국어"),
                             ("pt-BR", "brasil"), ("pt", "plain"), ("pt-PT", "plain"),
                             ("kok", "plain"), ("fr", "plain"), (None, "plain")]:
            with self.subTest(locale=locale):
                shown = self.preview(name, data={}, **({"locale": locale} if locale else {}))
                self.assertEqual(shown["sms"]["text"], text)
                self.assertEqual(shown["push"]["title"], "T")

    def test_a_preview_counts_sms_segments(self):
        name, _ = self.put({"sms": {"text": "{{t}}"}})
        for text, segments in [("a" * 160, 1), ("a" * 161, 2), ("안" * 70, 1), ("안" * 71, 2),
                               ("a" * 152 + "€" + "a" * 152, 3), ("€" * 80, 1), ("ç" * 71, 2)]:
            with self.subTest(text=text[:3], length=len(text)):
                shown = self.preview(name, data={"t": text})["sms"]
                self.assertEqual(shown["segments"], segments)
                self.assertIn(shown["encoding"].lower().replace("-", ""), ("gsm7", "ucs2"))
                self.assertEqual("ucs" in shown["encoding"].lower(), text[0] in "안ç")

    def test_partials_are_templates_and_pinned_with_the_version(self):
        footer, _ = self.put({"sms": {"text": "-- old"}})
        name, answer = self.put({"sms": {"text": "Hi {{> " + footer + "}}"}})
        self.assertIn(answer.status, (200, 201), answer)
        self.assertIn("-- old", self.preview(name, data={})["sms"]["text"])

    def test_a_template_that_includes_itself_does_not_hang(self):
        name = unique("t")
        self.put({"sms": {"text": "x"}}, name)
        answer = self.put({"sms": {"text": "{{> " + name + "}} and {{> " + name + "}}"}}, name)[1]
        if answer.status < 300:
            answer = self.app.post(f"/v1/templates/{name}/preview", {"data": {}})
        self.assertLess(answer.status, 500, answer)

    def test_a_preview_of_a_version_and_of_nothing(self):
        name, _ = self.put({"sms": {"text": "one"}})
        self.put({"sms": {"text": "two"}}, name)
        self.assertEqual(self.preview(name, data={}, version=1)["sms"]["text"], "one")
        self.assert_problem(self.app.post(f"/v1/templates/{name}/preview",
                                          {"data": {}, "version": 9}), 404)
        self.assert_problem(self.app.post("/v1/templates/none/preview", {"data": {}}), 404)
        self.assert_faults(self.app.post(f"/v1/templates/{name}/preview", {"data": 5, "x": 1}),
                           ["/data", "/x"])


class Rendered(ServerCase):
    """What deliveries get from a template."""

    def content(self, **notification):
        one = self.delivery(notification)
        self.assertEqual(one["state"], "sent", one)
        return self.app.must("GET", f"/v1/deliveries/{one['id']}/content")

    def test_the_version_is_pinned_at_acceptance(self):
        name = unique("t")
        self.app.must("PUT", f"/v1/templates/{name}", {"sms": {"text": "first {{n}}"}})
        one = self.delivery({"to": [{"phone": "+14155550100"}], "template": name,
                             "data": {"n": 1}})
        self.app.must("PUT", f"/v1/templates/{name}", {"sms": {"text": "second {{n}}"}})
        shown = self.app.must("GET", f"/v1/deliveries/{one['id']}/content")
        self.assertIn("first 1", json.dumps(shown))
        self.assertIn("first 2", json.dumps(self.content(
            to=[{"phone": "+14155550100"}], template={"name": name, "version": 1},
            data={"n": 2})))

    def test_the_recipients_own_data_and_locale_are_in_scope(self):
        name = unique("t")
        self.app.must("PUT", f"/v1/templates/{name}", {
            "sms": {"text": "{{role}} {{order}} {{user.id}} {{user.locale}} "
                            "{{user.attributes.name}}"},
            "locales": {"ko": {"sms": {"text": "역할 {{role}} {{user.attributes.name}}"}}}})
        anna = self.user(phone="+14155550100", attributes={"name": "Anna"}, locale="de")
        ju = self.user(phone="+821012345670", attributes={"name": "주"}, locale="ko-KR")
        accepted = self.app.send({"template": name, "data": {"role": "guest", "order": 5},
                                  "to": [{"user_id": anna, "data": {"role": "owner"}},
                                         {"user_id": ju}], "channels": ["sms"]})
        texts = {}
        for one in self.app.settled(accepted["id"]):
            shown = self.app.must("GET", f"/v1/deliveries/{one['id']}/content")
            texts[one["user_id"]] = json.dumps(shown, ensure_ascii=False)
        self.assertIn(f"owner 5 {anna} de Anna", texts[anna])
        self.assertIn("역할 guest 주", texts[ju])

    def test_strict_refuses_data_that_lacks_a_variable(self):
        name = unique("t")
        self.app.must("PUT", f"/v1/templates/{name}", {"strict": True, "sms": {
            "text": "{{order.id}} {{#gift}}{{gift.from}}{{/gift}}"}})
        body = {"to": [{"phone": "+14155550100"}], "template": name}
        self.assertIn(self.app.post("/v1/notifications", body).status, (400, 422))
        self.app.send({**body, "data": {"order": {"id": 1}, "gift": False}})

    def test_content_in_the_request_is_rendered_like_a_template(self):
        shown = self.content(to=[{"phone": "+14155550100"}], data={"n": "N"},
                             content={"sms": {"text": "inline {{n}}"}})
        self.assertIn("inline N", json.dumps(shown))
        answer = self.app.post("/v1/notifications", {
            "to": [{"phone": "+14155550100"}], "content": {"sms": {"text": "{{#n}}"}}})
        self.assertRegex(self.assert_faults(answer, ["/content/sms/text"])["/content/sms/text"],
                         r"line \d+.*column \d+")


if __name__ == "__main__":
    unittest.main()
