// Opens HTML files in Chromium as a reader would and prints, as JSON, what a
// reader would not want: look.mjs CHROMIUM OUT FILE...
// Screenshots go to OUT: light, dark, phone and print, and the pages of a PDF.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [executablePath, out, ...files] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1180, height: 820 } },
  dark: { colorScheme: 'dark', viewport: { width: 1180, height: 820 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  print: { colorScheme: 'dark', viewport: { width: 794, height: 1123 } },
};

async function look(browser, file, name) {
  const seen = { file: basename(file), look: name, console: [], dialogs: [], requests: [], violations: [] };
  const context = await browser.newContext(looks[name]);
  const page = await context.newPage();
  page.on('console', (m) => seen.console.push(`${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => seen.console.push(String(e)));
  page.on('dialog', (d) => { seen.dialogs.push(d.message()); d.dismiss(); });
  page.on('request', (r) => { if (r.url() !== pathToFileURL(file).href) seen.requests.push(r.url()); });
  await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  if (name === 'print') {
    await page.emulateMedia({ media: 'print' });
    await page.pdf({ path: join(out, basename(file, '.html') + '.pdf'), preferCSSPageSize: true, printBackground: true });
  }
  await page.screenshot({ path: join(out, `${basename(file, '.html')}-${name}.png`), fullPage: true });
  Object.assign(seen, await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - innerWidth,
    foreign: document.querySelectorAll('script, iframe, object, embed, img, link, form, base, [style], a:not([href^="#"])').length,
    ground: getComputedStyle(document.documentElement).backgroundColor,
    text: document.body.innerText,
  })));
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const v of found.violations) {
    seen.violations.push(`${v.impact}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)).join(' | ')}`);
  }
  await context.close();
  return seen;
}

const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
try {
  const all = [];
  for (const file of files) for (const name of Object.keys(looks)) all.push(await look(browser, file, name));
  console.log(JSON.stringify(all));
} finally {
  await browser.close();
}
