// Looks at built sites as their readers do: every page as HTML (html-validate), the largest of every kind of page in a narrow browser
// (axe-core, WCAG 2.2 AA), and the largest of these at all widths and on paper. Nothing may be wider than the window. `--all` opens every
// page in the browser, which takes minutes.
//
//   node tests/pages/look.mjs [--all] TOOLS SITE...
//
// TOOLS is the folder whose node_modules has axe-core, html-validate and puppeteer-core; Chromium is that of the system. Prints what it
// found, one line each, and ends with 1 where it found something.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const all = process.argv.includes('--all');
const [tools, ...sites] = process.argv.slice(2).filter((argument) => argument !== '--all');
if (!tools || sites.length === 0) {
    console.error('usage: look.mjs [--all] TOOLS SITE...');
    process.exit(2);
}
const require = createRequire(join(resolve(tools), 'package.json'));
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const { HtmlValidate } = require('html-validate');
const puppeteer = require('puppeteer-core');

const WIDTHS = [360, 768, 1440];
const PAPER = 'print';
const NARROW = 360;
// So many pages of each kind are opened in the browser: pages of one kind come from one template, and the largest have all its parts.
const OF_A_KIND = 24;
const TABS = 3;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

const found = [];
const pages = sites.flatMap((site) => readdirSync(site, { recursive: true })
    .filter((name) => name.endsWith('.html') && name !== 'toc.html')
    .map((name) => ({ site, name, path: resolve(site, name), bytes: statSync(join(site, name)).size })));

// Pages of one template: those of one folder, or a page alone.
const kind = ({ name }) => (name.includes(sep) ? name.split(sep).slice(0, -1).map((part, at) => (at ? '*' : part)).join(sep) : name);

async function html() {
    const validator = new HtmlValidate({
        root: true,
        extends: ['html-validate:recommended'],
        rules: {
            // The house writes attributes and text in its own way; these say nothing about readers.
            'void-style': 'off',
            'no-trailing-whitespace': 'off',
            'attribute-boolean-style': 'off',
            'attr-quotes': 'off',
            'long-title': 'off',
            // Requirements are anchored by their own ids, which have dots and brackets.
            'valid-id': ['error', { relaxed: true }],
            'no-inline-style': 'error',
        },
    });
    for (const page of pages) {
        // Lets the browser speak in between.
        await new Promise((resolve) => { setImmediate(resolve); });
        const report = await validator.validateString(readFileSync(page.path, 'utf8'));
        for (const message of report.results.flatMap((result) => result.messages)) {
            found.push(`${page.path}:${message.line}:${message.column}: ${message.ruleId}: ${message.message}`);
        }
    }
}

// The contents beside every page are the same; they are looked at with the pages of each kind.
async function look(tab, page, way, whole) {
    await tab.emulateMediaType(way === PAPER ? 'print' : 'screen');
    await tab.setViewport({ width: way === PAPER ? 794 : way, height: 900 });
    if (tab.url() !== pathToFileURL(page.path).href) {
        await tab.goto(pathToFileURL(page.path).href, { waitUntil: 'load' });
        await tab.evaluate(axe);
    }
    const { violations, wide } = await tab.evaluate(async (tags, whole, paper) => {
        const { violations } = await globalThis.axe.run(whole ? document : document.querySelector('.page'), {
            runOnly: tags,
            // Nobody touches paper.
            rules: { 'target-size': { enabled: !paper } },
            resultTypes: ['violations'],
            elementRef: false,
        });
        return {
            violations: violations.map(({ id, help, nodes }) => ({ id, help, count: nodes.length, first: nodes[0].html, target: nodes[0].target.join(' ') })),
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        };
    }, TAGS, whole, way === PAPER);
    for (const one of violations) {
        found.push(`${page.path} at ${way}: ${one.id}: ${one.help}; ${one.count} times, first ${one.target}: ${one.first.slice(0, 160)}`);
    }
    if (wide > 0) {
        found.push(`${page.path} at ${way}: ${wide} pixels wider than the window`);
    }
}

// Ten years on, a page that nobody printed again must not call anything good, and search still finds.
async function agedAndSearched(chromium, site) {
    const tab = await chromium.newPage();
    await tab.evaluateOnNewDocument(() => {
        const now = Date.now();
        Date.now = () => now + 10 * 365 * 24 * 3600 * 1000;
    });
    await tab.goto(pathToFileURL(resolve(site, 'checks.html')).href, { waitUntil: 'load' });
    const { badges, good, told } = await tab.evaluate(() => ({
        badges: document.querySelectorAll('.v[data-until]').length,
        good: [...document.querySelectorAll('.v[data-until]')].filter((badge) => !badge.textContent.includes('Stale')).length,
        told: !document.querySelector('.past').hidden,
    }));
    if (badges === 0 || good > 0 || !told) {
        found.push(`${site}/checks.html: of ${badges} badges ${good} are not stale after ten years, and the page says so: ${told}`);
    }
    await tab.type('#query', 'tls-min-version');
    const first = await tab.waitForSelector('.found li a', { timeout: 20000 }).then((link) => link.evaluate((a) => a.href), () => 'nothing');
    if (!first.endsWith('/checks/tls-min-version.html')) {
        found.push(`${site}: the search for tls-min-version finds ${first} first`);
    }
    await tab.close();
}

async function browser() {
    const chromium = await puppeteer.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--allow-file-access-from-files', '--disable-gpu'],
    });
    const kinds = new Map();
    for (const page of [...pages].sort((a, b) => b.bytes - a.bytes)) {
        kinds.set(kind(page), [...kinds.get(kind(page)) ?? [], page]);
    }
    const thorough = new Set([...kinds.values()].map(([largest]) => largest));
    const open = [...kinds.values()].flatMap((of) => (all ? of : of.slice(0, OF_A_KIND)));
    let looks = 0;
    await Promise.all(Array.from({ length: TABS }, async () => {
        const tab = await chromium.newPage();
        tab.on('pageerror', (error) => found.push(`${tab.url()}: ${error.message}`));
        for (let page = open.pop(); page; page = open.pop()) {
            const whole = thorough.has(page);
            for (const way of whole ? [...WIDTHS, PAPER] : [NARROW]) {
                await look(tab, page, way, whole);
                looks += 1;
            }
        }
    }));
    for (const site of sites) {
        await agedAndSearched(chromium, site);
    }
    await chromium.close();
    return looks;
}

const started = Date.now();
const [looks] = await Promise.all([browser(), html()]);
found.forEach((line) => console.log(line));
console.error(`${pages.length} pages of ${sites.length} sites, ${looks} looks, ${Math.round((Date.now() - started) / 1000)} s; ${found.length} findings`);
process.exit(found.length > 0 ? 1 : 0);
