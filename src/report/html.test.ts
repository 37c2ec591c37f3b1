import { expect, it } from "vitest";
import { html, trusted } from "./html.ts";

it("escapes what stands in text and in attributes, and nothing twice", () => {
  const name = `<script>alert("1" & '2')</script>`;
  const inner = html`<b title="${name}">${name}</b>`;
  const safe = "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;";
  expect(inner.text).toBe(`<b title="${safe}">${safe}</b>`);
  expect(html`<p>${[inner, undefined, 3, ["<", trusted("<i>")]]}</p>`.text).toBe(`<p>${inner.text}3&lt;<i></p>`);
});
