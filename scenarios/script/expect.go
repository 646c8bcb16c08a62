package script

import (
	"slices"

	"golang.org/x/tools/txtar"
)

// expectFile is the file of the archive that holds the expect table.
const expectFile = "expect"

// WithExpect is a script's text with the table as its expect section; every other byte
// is the author's. The caller owns the bytes.
func WithExpect(text []byte, t Table) []byte {
	archive := txtar.Parse(text)
	table := txtar.File{Name: expectFile, Data: []byte(t.print())}
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == expectFile }); i >= 0 {
		archive.Files[i] = table
	} else {
		archive.Files = append(archive.Files, table)
	}
	return txtar.Format(archive)
}
