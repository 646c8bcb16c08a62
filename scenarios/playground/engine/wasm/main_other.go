//go:build !js

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "wasm: this is a part of a page; scenario playground compiles it for a browser, and makes the page")
	os.Exit(2)
}
