package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// dataSettings are the settings of a command that has no "uses" tag: those that every command needs that opens the
// contest.
const dataSettings = "data SECRET_KEY LOG_FORMAT LOG_LEVEL"

// usesAll is the "uses" tag of a command that uses all settings.
const usesAll = "all"

// printHelp shows a command's help with the settings that the command uses: its "uses" tag lists them by NAME or by
// group. The help of the program shows all settings.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil || uses(node) == usesAll {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	wanted := strings.Fields(uses(node))
	for _, flag := range ctx.Flags() {
		name := flag.Tag.Get("setting")
		if name != "" && !slices.Contains(wanted, name) && (flag.Group == nil || !slices.Contains(wanted, flag.Group.Key)) {
			flag.Hidden = true // the program ends after its help, so nothing needs to restore it
		}
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(ctx.Stdout, "\nSettings of other commands change nothing here; \"risingstars --help\" lists them all.")
	return err
}

// uses returns the "uses" tag of a command, or of the nearest menu above it that has one.
func uses(node *kong.Node) string {
	for ; node != nil && node.Tag != nil; node = node.Parent {
		if node.Tag.Has("uses") {
			return node.Tag.Get("uses")
		}
	}
	return dataSettings
}
