package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// dataSettings are what every command needs that opens a contest. It stands for a command that has no "uses" tag.
const dataSettings = "data SECRET_KEY LOG_FORMAT LOG_LEVEL"

// usesAll is for a command that all settings are for.
const usesAll = "all"

// printHelp shows a command with those settings that it uses: its tag "uses" lists them, by NAME or by group. The
// program's own help has them all.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil || uses(node) == usesAll {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	wanted := strings.Fields(uses(node))
	for _, flag := range ctx.Flags() {
		name := flag.Tag.Get("setting")
		if name != "" && !slices.Contains(wanted, name) && (flag.Group == nil || !slices.Contains(wanted, flag.Group.Key)) {
			flag.Hidden = true // the program ends with its help
		}
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(ctx.Stdout, "\nSettings of other commands change nothing here; \"risingstars --help\" lists them all.")
	return err
}

// uses is what a command, or the menu it belongs to, says that it uses.
func uses(node *kong.Node) string {
	for ; node != nil && node.Tag != nil; node = node.Parent {
		if node.Tag.Has("uses") {
			return node.Tag.Get("uses")
		}
	}
	return dataSettings
}
