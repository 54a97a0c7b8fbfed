"""The style of a page: light and dark, on a screen of any width and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2024; --soft: #5a6169; --edge: #d9dde1; --shade: #f5f6f8; --link: #0b5cad;
  --first: #0b5cad; --second: #b34700; --best: #0b5cad; --right: 33, 102, 172; --wrong: 196, 33, 34;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #e6e9ec; --soft: #a3abb3; --edge: #363c43; --shade: #1e2227; --link: #7db8f5;
    --first: #7db8f5; --second: #f2a15f; --best: #7db8f5; --right: 45, 105, 175; --wrong: 190, 50, 50;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 80rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; }
h2 { margin: 0 0 .75rem; font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 1.75rem 0 .5rem; font-size: 1.05rem; }
p, ul { margin: .5rem 0; max-width: 44rem; }
ul { padding-left: 1.2rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .4rem .8rem; background: var(--paper); z-index: 1; }
header p { margin: .3rem 0 0; color: var(--soft); }
.note, figcaption, caption, footer { color: var(--soft); }
nav { margin: 1.25rem 0 2rem; font-size: .92rem; }
nav ol { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
nav a { text-decoration: none; display: inline-block; padding: .15rem 0; }
nav a:hover { text-decoration: underline; }
section { margin: 0 0 3rem; }
section + section { border-top: 1px solid var(--edge); padding-top: 1.75rem; }
.result { font-size: 2.6rem; font-weight: 650; line-height: 1.1; margin: 0; font-variant-numeric: tabular-nums; }
.scale { display: block; width: 100%; max-width: 34rem; margin: .75rem 0; }
.scroll { overflow-x: auto; margin: 1rem 0; max-width: 100%; }
table {
  min-width: min(100%, 20rem); border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums;
  overflow-wrap: normal;
}
caption { text-align: left; padding-bottom: .35rem; }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
th bdi, .words td { overflow-wrap: anywhere; }
th bdi.short { overflow-wrap: normal; }
th code { white-space: nowrap; }
tbody th { max-width: 16rem; min-width: 4rem; }
.words td { min-width: 4.5rem; }
.confusion thead th { max-width: 8rem; }
.confusion td, .confusion th { padding: .3rem .3rem; text-align: right; border: 1px solid var(--paper); }
.confusion tbody th, .confusion thead th:first-child { text-align: left; }
.confusion tbody td { min-width: 1.75rem; }
.confusion .right { background: rgba(var(--right), var(--share)); }
.confusion .wrong { background: rgba(var(--wrong), var(--share)); }
.confusion .strong { color: #fff; }
.warning { border-left: 4px solid var(--second); padding-left: .7rem; }
pre {
  margin: .5rem 0 1rem; padding: .7rem .9rem; white-space: pre-wrap; max-width: 60rem;
  background: var(--shade); border-radius: 6px;
  font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
}
.word { display: inline-block; max-width: 100%; }
.whole td { white-space: nowrap; }
figure { margin: 1rem 0; }
figcaption { font-size: .9rem; margin-bottom: .3rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0 1.5rem; }
.chart svg:not(.key) { display: block; width: 100%; max-width: 34rem; height: auto; }
.entry { display: inline-flex; align-items: center; gap: .35rem; margin-left: .9rem; color: var(--ink); }
.key { width: 24px; height: 8px; }
.strong { fill: var(--ink); } .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft); }
.line { fill: none; stroke: var(--soft); stroke-width: 1.8; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.dot { fill: var(--soft); }
.first { stroke: var(--first); } .dot.first { fill: var(--first); }
.second { stroke: var(--second); stroke-dasharray: 5 3; } .dot.second { fill: var(--second); }
.other { stroke: var(--soft); stroke-width: 1; opacity: .55; } .dot.other { fill: var(--soft); }
.best { stroke: var(--best); stroke-width: 2.6; } .dot.best { fill: var(--best); }
.grid { stroke: var(--edge); stroke-width: 1; } .axis, .tick { stroke: var(--soft); stroke-width: 1; }
.track { stroke: var(--edge); stroke-width: 6; } .range { stroke: var(--first); stroke-width: 6; }
.bar { fill: var(--first); }
.gallery { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: flex-start; }
.even .gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); }
.even .gallery { align-items: end; }
.gallery .picture { margin: .5rem 0; max-width: 100%; }
.picture img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
.small .chart { margin: 0; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); gap: 1rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--link); }
footer { border-top: 1px solid var(--edge); padding-top: 1rem; font-size: .875rem; }
@media (min-width: 64rem) {
  body { padding: 2.5rem 2rem 3rem; }
  .frame { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 2.5rem; margin-top: 2rem; }
  nav { margin: 0; position: sticky; top: 1.5rem; align-self: start; }
  nav ol { flex-direction: column; }
}
@media print {
  :root {
    --paper: #fff; --ink: #000; --soft: #444; --edge: #ccc; --shade: #f5f6f8; --link: #000;
    --first: #0b5cad; --second: #b34700; --right: 33, 102, 172; --wrong: 196, 33, 34;
  }
  @page { margin: 15mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  table { font-size: 8.5pt; }
  th, td { padding-right: .5rem; }
  nav, .skip { display: none; }
  .frame { display: block; }
  h2, h3, figcaption, caption { break-after: avoid; }
  figure, tr, .scale, .confusion { break-inside: avoid; }
  pre { break-inside: avoid; break-before: avoid; }
  .gallery { display: block; }
  .gallery .picture { display: inline-block; vertical-align: top; margin-right: 1rem; }
  .picture img { max-height: 110mm; width: auto; }
  .scroll { overflow: visible; }
  .whole td { white-space: normal; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
