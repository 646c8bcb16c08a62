package picture

import "html/template"

var sections = template.Must(template.New("explored").Parse(`<section aria-labelledby="heading-seeds">
<h2 id="heading-seeds">Seeds by resolvers</h2>
<p>{{.Seeds}} seeds, {{.Runs}} runs, {{.Ops}} requests. A cell says how many of the acknowledged updates are lost, as the rule says; ✗ is a broken promise. Empty: not played.{{if .Beyond}} {{.Beyond}} more seeds have no row.{{end}}</p>
<div class="scroll seeds" role="region" aria-label="Seeds by resolvers" tabindex="0">
<table id="seeds"><thead><tr><th scope="col">seed</th>{{range .Resolvers}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr><th scope="row">{{.Seed}}</th>{{range .Cells}}<td{{with .Class}} class="{{.}}"{{end}}{{with .Words}} title="{{.}}"{{end}}>{{.Text}}</td>{{end}}</tr>
{{end}}</tbody></table>
</div>
</section>
<section aria-labelledby="heading-coverage">
<h2 id="heading-coverage">What the histories came upon</h2>
<p>A promise that held says nothing about a fault that never fired.</p>
<ul id="coverage">
{{range .Happened}}<li{{if not .Times}} class="never"{{end}}><span>{{.What}}</span> <b>{{if .Times}}{{.Times}}{{else}}never{{end}}</b></li>
{{end}}</ul>
</section>
{{if .Told}}<section aria-labelledby="heading-broken">
<h2 id="heading-broken">What broke</h2>
{{range .Told}}<details{{if eq (len $.Told) 1}} open{{end}}><summary class="broken">seed {{.Seed}} under {{.Resolver}}</summary>
{{range .Broken}}<p class="broken">{{.}}</p>
{{end}}<p>Shrunk to {{.Lines}} lines. From its seed: <code>{{.Replay}}</code></p>
<pre tabindex="0">{{.Text}}</pre></details>
{{end}}{{if .Untold}}<p>{{.Untold}} more broke a promise.</p>{{end}}
<p>{{.First}}</p>
</section>
{{end}}<p class="command">Again: <code>{{.Command}}</code></p>
`))

const style = `
.seeds { max-height: 26rem; overflow: auto; }
#seeds td { text-align: right; color: var(--soft); }
#seeds thead th { position: sticky; top: 0; background: var(--ground); text-align: right; }
#seeds .loses { color: var(--ink); }
#seeds .broke { color: var(--loss); font-weight: 700; white-space: nowrap; }
#coverage { columns: 15rem; list-style: none; padding: 0; margin: 0.5rem 0; font-variant-numeric: tabular-nums; }
#coverage li { display: flex; justify-content: space-between; gap: 1rem; padding: 0.1rem 0.6rem 0.1rem 0; break-inside: avoid; border-bottom: 1px solid var(--faint); }
#coverage b { font-weight: 500; }
#coverage .never { color: var(--loss); }
#coverage .never b { font-weight: 700; }
pre { overflow-x: auto; background: var(--panel); border: 1px solid var(--faint); border-radius: 8px; padding: 0.7rem; font: 0.85rem/1.4 ui-monospace, 'Cascadia Mono', Consolas, monospace; }
.command { color: var(--soft); }
@media print { .seeds { max-height: none; } }
`
