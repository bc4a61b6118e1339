"""`make site`: build the site into dist/site, or into the folder named, and check its links."""

import sys
from pathlib import Path

from tools.website.build import build
from tools.website.links import dead_links

ROOT = Path(__file__).resolve().parents[2]


def main():
    """Build and check."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "site"
    pages = build(ROOT, folder)
    dead = dead_links(folder)
    if dead:
        raise SystemExit("\n".join(dead))
    print(f"The site: {len(pages) + 1} pages in {folder}. Open {folder / 'index.html'} in a browser.")


if __name__ == "__main__":
    main()
