// All that these pages do beyond standing still: colours, contents, search, copying, and telling when the evidence has aged.
// Nothing is fetched but files of this site, and every page reads well without this script.
(() => {
    const root = document.documentElement;
    const store = {
        get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
        set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window: forget it */ } },
    };

    // Before the page is drawn, so that it does not flash.
    const paint = (scheme) => { root.dataset.scheme = scheme; };
    root.classList.add('js');
    paint(store.get('proofbook-scheme') ?? 'auto');

    function colours() {
        const select = document.getElementById('scheme');
        select.parentElement.hidden = false;
        select.value = root.dataset.scheme;
        select.addEventListener('change', () => {
            paint(select.value);
            store.set('proofbook-scheme', select.value);
        });
    }

    function contents() {
        const button = document.querySelector('.menu');
        button.hidden = false;
        button.addEventListener('click', () => {
            button.setAttribute('aria-expanded', String(root.classList.toggle('menu-open')));
        });
    }

    // A green badge must not stay green for ever: after its time it says so, whatever the page said when it was made.
    function freshness() {
        for (const badge of document.querySelectorAll('[data-fresh-until]')) {
            const fresh = Date.now() < Date.parse(badge.dataset.freshUntil) && !badge.classList.contains('is-stale');
            badge.classList.toggle('is-fresh', fresh);
            badge.classList.toggle('is-stale', !fresh);
            if (!fresh) {
                badge.querySelector('.fresh-word').textContent = 'Stale since';
            }
        }
        for (const badge of document.querySelectorAll('.v[data-until]')) {
            if (Date.now() >= Date.parse(badge.dataset.until)) {
                badge.className = 'v v-stale';
                badge.querySelector('use').setAttribute('href', '#v-stale');
                badge.lastChild.textContent = 'Stale';
            }
        }
        if (document.querySelector('.run .is-stale')) {
            root.classList.add('is-past');
            document.querySelector('.past').hidden = false;
        }
    }

    function copying() {
        for (const block of document.querySelectorAll('pre.copy')) {
            const button = document.createElement('button');
            button.type = 'button';
            button.className = 'copy-button';
            button.textContent = 'Copy';
            button.addEventListener('click', async () => {
                try {
                    await navigator.clipboard.writeText(block.textContent);
                    button.textContent = 'Copied';
                } catch {
                    getSelection().selectAllChildren(block);
                    button.textContent = 'Selected';
                }
            });
            block.parentElement.prepend(button);
        }
    }

    // Closed details would be missing on paper.
    function printing() {
        let closed = [];
        addEventListener('beforeprint', () => {
            closed = [...document.querySelectorAll('details:not([open])')];
            closed.forEach((details) => { details.open = true; });
        });
        addEventListener('afterprint', () => closed.forEach((details) => { details.open = false; }));
    }

    function search() {
        const query = document.getElementById('query');
        const found = document.querySelector('.found');
        const count = document.getElementById('found-count');
        const most = 30;
        let index;

        const prepare = () => index ??= new Promise((resolve, reject) => {
            const element = document.createElement('script');
            element.src = document.querySelector('.run').dataset.index;
            element.onload = resolve;
            element.onerror = reject;
            document.head.append(element);
        }).then(() => window.found.map(([title, where, address, words]) => (
            {title, where, address, heading: title.toLowerCase(), all: `${title} ${where} ${words}`.toLowerCase()})));

        // Every word must be there; one in the title weighs more, and most as the beginning of one of its words or of an id.
        const weight = (entry, words) => {
            let sum = 0;
            for (const word of words) {
                const at = entry.all.indexOf(word);
                if (at < 0) {
                    return 0;
                }
                const begins = (text) => text.startsWith(word) || text.includes(` ${word}`);
                sum += 1 + (begins(entry.all) ? 2 : 0) + (entry.heading.includes(word) ? 4 : 0) + (begins(entry.heading) ? 4 : 0);
            }
            return sum;
        };
        const line = (entry) => {
            const item = document.createElement('li');
            const link = document.createElement('a');
            link.href = root.dataset.root + entry.address;
            link.textContent = entry.where ? `${entry.where}: ${entry.title}` : entry.title;
            item.append(link);
            return item;
        };
        const show = async () => {
            const asked = query.value.trim();
            found.hidden = asked === '';
            if (found.hidden) {
                return;
            }
            const entries = await prepare();
            if (query.value.trim() !== asked) {
                return;
            }
            const words = asked.toLowerCase().split(/\s+/);
            const results = entries.map((entry) => [weight(entry, words), entry]).filter(([sum]) => sum > 0).sort(([a], [b]) => b - a);
            const shown = results.slice(0, most);
            count.textContent = results.length > shown.length
                ? `${results.length} places have “${asked}”; the first ${shown.length}:`
                : `${results.length === 1 ? '1 place has' : results.length + ' places have'} “${asked}”`;
            found.querySelector('ol').replaceChildren(...shown.map(([, entry]) => line(entry)));
        };

        document.querySelector('.search').hidden = false;
        query.addEventListener('focus', prepare, {once: true});
        query.addEventListener('input', show);
        addEventListener('keydown', (event) => {
            const typing = event.target.closest?.('input, select, textarea');
            if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
                event.preventDefault();
                query.focus();
            } else if (event.key === 'Escape' && !found.hidden) {
                query.value = '';
                found.hidden = true;
                query.focus();
            }
        });
    }

    document.addEventListener('DOMContentLoaded', () => {
        colours();
        contents();
        freshness();
        copying();
        printing();
        search();
    });
})();
