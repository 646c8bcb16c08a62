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

// Write writes the page of a story.
func Write(w io.Writer, s *Story) error {
	if err := s.Validate(); err != nil {
		return err
	}
	data, err := encode(s)
	if err != nil {
		return fmt.Errorf("write page of %s: %w", s.Name, err)
	}
	encoding := "json"
	if len(data) > inlineBytes {
		if data, err = pack(data); err != nil {
			return fmt.Errorf("write page of %s: %w", s.Name, err)
		}
		encoding = "gzip"
	}
	script, style := "\n(() => {\n'use strict';\n"+source(scripts...)+"})();\n", "\n"+source("page.css")
	var b bytes.Buffer
	err = shell.Execute(&b, map[string]any{
		"Story": s, "Prose": paragraphs(s.Prose), "Data": template.JS(data), "Encoding": encoding,
		"Script": template.JS(script), "Style": template.CSS(style),
		"Policy": template.HTMLAttr(fmt.Sprintf(`content="default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'"`,
			digest(script), digest(style))),
	})
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write page of %s: %w", s.Name, err)
	}
	return nil
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

func pack(data []byte) ([]byte, error) {
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
