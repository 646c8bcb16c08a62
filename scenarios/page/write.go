package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

// inlineBytes is how large a story may be that is written as plain JSON.
const inlineBytes = 256 << 10

//go:embed assets
var assets embed.FS

// The script's files, in the order in which they are put together.
var scripts = []string{
	"dom.js", "format.js", "data.js", "story.js", "axis.js", "clock.js", "scene.js", "draw.js", "overview.js",
	"diagram.js", "detail.js", "panes.js", "tables.js", "controls.js", "main.js",
}

// Frame is what a page has around its story: nothing, where it shows one and no more.
type Frame struct {
	Above         template.HTML // first in the page's main part
	Data          []Data        // behind the scripts
	Script, Style string        // behind the page's own; the script may use all that it declares
	// Policy is further directives of the content security policy, as in
	// "worker-src blob:", and Wasm lets scripts compile WebAssembly.
	Policy string
	Wasm   bool
}

// Data is something that a page's script reads, as the text of the element with an id.
type Data struct {
	ID       string
	Encoding string // what the script is told of it, as data-encoding
	Text     string // without "</script" in any case
}

// Write writes the page of a story.
func Write(w io.Writer, s *Story) error { return Frame{}.Write(w, s) }

// Write writes the page of a story in the frame.
func (f Frame) Write(w io.Writer, s *Story) error {
	data, err := Encode(s)
	if err != nil {
		return fmt.Errorf("write page of %s: %w", s.Name, err)
	}
	encoding := "json"
	if len(data) > inlineBytes {
		if data, err = Pack(data); err != nil {
			return fmt.Errorf("write page of %s: %w", s.Name, err)
		}
		encoding = "gzip"
	}
	script, style := "\n(() => {\n'use strict';\n"+source(scripts...)+f.Script+"})();\n", "\n"+source("page.css")+f.Style
	var b bytes.Buffer
	err = shell.Execute(&b, map[string]any{
		"Story": s, "Prose": paragraphs(s.Prose), "Data": template.JS(data), "Encoding": encoding, "Above": f.Above, "Unrelated": slices.ContainsFunc(s.Runs, func(r Run) bool { return r.Counts.Unrelated > 0 }), "Further": further(f.Data),
		"Script": template.JS(script), "Style": template.CSS(style), "Policy": template.HTMLAttr(fmt.Sprintf("content=%q", f.policy(script, style))),
	})
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write page of %s: %w", s.Name, err)
	}
	return nil
}

// policy is the content security policy: what is not named is forbidden.
func (f Frame) policy(script, style string) string {
	wasm := ""
	if f.Wasm {
		wasm = " 'wasm-unsafe-eval'"
	}
	policy := fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'%s; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", digest(script), wasm, digest(style))
	if f.Policy != "" {
		policy += "; " + f.Policy
	}
	return policy
}

// further is data as the template writes it.
func further(list []Data) (all []map[string]any) {
	for _, d := range list {
		all = append(all, map[string]any{"ID": d.ID, "Encoding": d.Encoding, "Text": template.HTML(d.Text)})
	}
	return all
}

var shell = template.Must(template.New("page.html").ParseFS(assets, "assets/page.html"))

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// source is files of assets behind each other.
func source(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // they are part of the program
		}
		b.Write(text)
	}
	return b.String()
}

// Pack is data compressed with gzip, in base64.
func Pack(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, packed.Bytes()), nil
}

func paragraphs(prose string) []string {
	var out []string
	for p := range strings.SplitSeq(strings.TrimSpace(prose), "\n\n") {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}
