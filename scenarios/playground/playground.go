package playground

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"

	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/page"
	"kvd/scenarios/page/played"
	"kvd/scenarios/playground/engine"
	"kvd/scenarios/script"
)

// Page is what a playground begins with, and the engine that it goes on with.
type Page struct {
	Script  *script.Scenario
	Text    string              // of the script, as it is edited
	Results []*scenarios.Result // the script under every resolver, with their traces
	Engine  *Binary
}

// Write writes the page as one file.
func (p Page) Write(w io.Writer) error {
	packed, err := p.packed()
	if err != nil {
		return err
	}
	return p.write(w, len(packed), page.Data{ID: "engine", Encoding: "base64", Text: base64.StdEncoding.EncodeToString(packed)})
}

// enginePath is where a page that is served finds its engine, below its own address.
const enginePath = "engine.wasm.gz"

// Handler serves the page, and its engine beside it.
func (p Page) Handler() (http.Handler, error) {
	packed, err := p.packed()
	if err != nil {
		return nil, err
	}
	var html bytes.Buffer
	if err := p.write(&html, len(packed), page.Data{ID: "engine", Encoding: "address", Text: enginePath}); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	serve := func(path, kind string, content []byte) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = w.Write(content) // who went away needs no rest
		})
	}
	serve("/{$}", "text/html; charset=utf-8", html.Bytes())
	serve("/"+enginePath, "application/gzip", packed)
	return mux, nil
}

// packed is the engine compressed.
func (p Page) packed() ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(p.Engine.Wasm); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func (p Page) write(w io.Writer, packed int, binary page.Data) error {
	story, err := played.Story(p.Script, p.Results)
	if err != nil {
		return err
	}
	story.Prose = "" // it is in the script's text
	first := engine.Do(engine.Request{Do: "look", Text: p.Text}, nil)
	if len(first.Mistakes) > 0 {
		return fmt.Errorf("the script %s cannot be changed in a page: %s", p.Script.Name, first.Mistakes[0].Message)
	}
	var above bytes.Buffer
	if err := controls.Execute(&above, map[string]any{
		"Names": library.Names(), "Name": p.Script.Name, "Text": p.Text, "Seed": scenarios.SeedOf(p.Script, p.Results[0].Seed),
		"Knobs": first.Knobs, "Packed": megabytes(packed), "Whole": megabytes(len(p.Engine.Wasm)),
	}); err != nil {
		return err
	}
	f := page.Frame{
		Above:  template.HTML(above.String()),
		Script: asset("engine.js") + asset("controls.js"), Style: asset("playground.css"), Wasm: true, Policy: "worker-src blob:",
		Data: []page.Data{
			{ID: "worker", Encoding: "script", Text: string(p.Engine.Exec) + asset("worker.js")},
			binary,
		},
	}
	if binary.Encoding == "address" {
		f.Policy += "; connect-src 'self'"
	}
	return f.Write(w, story)
}

var controls = template.Must(template.New("controls.html").ParseFS(assets, "assets/controls.html"))

func asset(name string) string {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return strings.TrimSpace(string(text)) + "\n"
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
