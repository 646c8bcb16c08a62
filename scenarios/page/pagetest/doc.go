// Package pagetest opens pages in a real browser for tests: what they say on the console,
// what they ask the network for, what a screen reader would be told, and how they look.
//
//	Start ─▶ Browser ─▶ Open ─▶ Page: Eval, Click, Names, Requests, Errors, Screenshot
//
// One browser serves all pages of a test. It is looked for under the usual names, or where
// KVD_BROWSER says; a test that needs one is skipped where there is none. With
// KVD_SCREENSHOTS=DIR tests leave pictures of their pages there.
package pagetest
