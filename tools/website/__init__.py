"""The course as a static site to read: `make site` writes the executed notebooks as pages into a folder.

Nothing is fetched, neither while the site is built nor while it is read: formulas are set at build time, fonts and the
search lie in the folder, and all links between pages are relative.
"""
