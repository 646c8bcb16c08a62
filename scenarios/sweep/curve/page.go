package curve

import (
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Of a pane, in pixels.
const (
	paneWidth  = 300
	paneHeight = 160
	left       = 34
	bottom     = 40
	top        = 12
)

// pane is one resolver's curve as shapes.
type pane struct {
	Begin
	Where        string
	Width        int
	Height       int
	Band, Line   string // points
	Dots         []dot
	Ticks, Rules []tick
	Label        string
}

type dot struct {
	X, Y  float64
	Title string
}

type tick struct {
	X, Y float64
	Text string
}

// Page is one file of HTML: a pane a resolver, drawn here, and all points as a table. It
// has no script, and nothing leaves it.
func (c *Curve) Page(out io.Writer) error {
	view := struct {
		*Curve
		Panes   []pane
		Columns []string
		Rows    [][]string
		Drawn   string
	}{Curve: c, Columns: columns[2:4], Drawn: c.drawn()}
	view.Columns = append(append([]string{}, columns[2:4]...), columns[6:]...)
	most := 1
	for _, p := range c.Points {
		most = max(most, p.Most)
	}
	for _, b := range c.Begins {
		view.Panes = append(view.Panes, c.pane(b, most))
	}
	for i := range c.Points {
		cells := c.cells(&c.Points[i])
		view.Rows = append(view.Rows, append(append([]string{}, cells[2:4]...), cells[6:]...))
	}
	return page.Execute(out, view)
}

// pane draws one resolver's points; most is the greatest loss of all panes.
func (c *Curve) pane(b Begin, most int) pane {
	points := c.of(b.Resolver)
	p := pane{Begin: b, Where: b.where(), Width: paneWidth, Height: paneHeight}
	x := func(i int) float64 {
		return left + (paneWidth-left-12)*(float64(i)+0.5)/float64(len(points))
	}
	y := func(n float64) float64 { return paneHeight - bottom - (paneHeight-bottom-top)*n/float64(most) }
	at := func(i int, n float64) string { return fmt.Sprintf("%.1f,%.1f", x(i), y(n)) }
	var line, above, below []string
	step := (len(points) + 7) / 8
	for i, q := range points {
		line, above = append(line, at(i, q.Lost)), append(above, at(i, float64(q.Most)))
		below = append([]string{at(i, float64(q.Least))}, below...)
		p.Dots = append(p.Dots, dot{x(i), y(q.Lost), fmt.Sprintf("%s %s: %s lost (%d to %d)", c.Axis, q.Value, short(q.Lost), q.Least, q.Most)})
		if i%step == 0 {
			p.Ticks = append(p.Ticks, tick{x(i), paneHeight - bottom + 14, q.Value})
		}
	}
	p.Line, p.Band = strings.Join(line, " "), strings.Join(append(above, below...), " ")
	p.Rules = []tick{{left, y(0), "0"}, {left, y(float64(most)), fmt.Sprint(most)}}
	p.Label = fmt.Sprintf("lost updates under %s over %s; it begins to lose at: %s", b.Resolver, c.Axis, p.Where)
	return p
}

var page = template.Must(template.New("curve").Parse(`<!doctype html>
<html lang="en" data-ready>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Scenario}} over {{.Axis}}</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --faint: #d5d5d5; --line: #0b62a8; --band: #0b62a833; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #161616; --faint: #444; --line: #6db5f0; --band: #6db5f044; } }
body { font: 15px/1.4 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.5rem auto; max-width: 68rem; padding: 0 1rem; }
.panes { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg text { font-size: 10px; fill: var(--ink); } svg .rule { stroke: var(--faint); }
svg .band { fill: var(--band); } svg .line { fill: none; stroke: var(--line); stroke-width: 2; } svg circle { fill: var(--line); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .6rem; border-bottom: 1px solid var(--faint); }
code { overflow-wrap: anywhere; }
@media print { figure { break-inside: avoid; } }
</style>
</head>
<body>
<h1>{{.Scenario}} over {{.Axis}}</h1>
<p>{{.Title}}</p>
<p>Lost updates: the line is the mean of {{.Seeds}} {{.Drawn}} from {{.Seed}} on, the band goes from the least to the most. The values stand side by side, whatever their distance.</p>
{{range .Notes}}<p>{{.}}</p>
{{end}}
<div class="panes">
{{range .Panes}}<figure>
<figcaption>{{.Resolver}}: {{if .Value}}begins to lose at {{.Value}}{{else}}loses nothing{{end}}</figcaption>
<svg role="img" aria-label="{{.Label}}" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}">
{{range .Rules}}<line class="rule" x1="{{.X}}" x2="290" y1="{{.Y}}" y2="{{.Y}}"/><text x="28" y="{{.Y}}" text-anchor="end" dominant-baseline="middle">{{.Text}}</text>
{{end}}{{range .Ticks}}<text x="{{.X}}" y="{{.Y}}" text-anchor="middle">{{.Text}}</text>
{{end}}<polygon class="band" points="{{.Band}}"/>
<polyline class="line" points="{{.Line}}"/>
{{range .Dots}}<circle cx="{{.X}}" cy="{{.Y}}" r="3"><title>{{.Title}}</title></circle>
{{end}}</svg>
</figure>
{{end}}</div>
<h2>The points</h2>
<div class="wide" role="region" aria-label="The points" tabindex="0"><table>
<thead><tr>{{range .Columns}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody>
</table></div>
<p>Again: <code>{{.Command}}</code></p>
</body>
</html>
`))
