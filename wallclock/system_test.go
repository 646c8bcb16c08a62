package wallclock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"
)

func TestSystemReadsBothClocksForward(t *testing.T) {
	s := NewSystem(time.Millisecond)
	a, b := s.Now(), s.Now()
	if a.Mono < 0 || b.Mono < a.Mono {
		t.Errorf("the stopwatch shows %d, then %d", a.Mono, b.Mono)
	}
	if a.Wall.HalfWidth() != time.Millisecond {
		t.Errorf("it claims %s, want 1ms", a.Wall.HalfWidth())
	}
	if off := time.Since(a.Wall.Midpoint().Time()); off < -time.Minute || off > time.Minute {
		t.Errorf("the calendar clock is %s off", off)
	}
}

// Only system.go may read a real clock.
func TestOnlySystemReadsARealClock(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	readers := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if readsClock(n) {
				readers[f.Name()] = true
			}
			return true
		})
	}
	if len(readers) != 1 || !readers["system.go"] {
		t.Errorf("a real clock is read in %v, want system.go only", readers)
	}
}

// readsClock reports whether n names something of package time that depends on
// when it runs.
func readsClock(n ast.Node) bool {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	if !ok || pkg.Name != "time" {
		return false
	}
	switch s.Sel.Name {
	case "Now", "Since", "Until", "After", "AfterFunc", "Tick", "Sleep", "NewTimer", "NewTicker":
		return true
	}
	return false
}
