package conf

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
)

// fromFile reads the configuration file; none is as good as an empty one.
func fromFile(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, ErrUnreadable.With("file", file).Because(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, ErrUnreadable.With("file", file).Because(err)
	}
	values := map[string]string{}
	for _, key := range sortedKeys(raw) { // sorted: of several mistakes always the same is named
		s := find(key)
		if s == nil || s.noFile {
			return nil, ErrUnknown.With("key", key, "source", file)
		}
		value, ok := plain(raw[key], s.list)
		if !ok {
			return nil, ErrWrong.With("key", key, "source", FromFile, "want", s.want)
		}
		if s.secret && value != "" && readableByOthers(file) {
			return nil, ErrExposed.With("key", key, "file", file)
		}
		values[key] = value
	}
	return values, nil
}

func sortedKeys(raw map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(raw))
	for k := range raw {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// plain reads a text or, where one is due, a list of texts; a list takes the comma form of flags and variables.
func plain(raw json.RawMessage, list bool) (string, bool) {
	var one *string
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return *one, true
	}
	var many []string
	ok := list && json.Unmarshal(raw, &many) == nil && many != nil
	return strings.Join(many, ", "), ok
}

// readableByOthers is false on Windows, which has no such bits.
func readableByOthers(file string) bool {
	info, err := os.Stat(file)
	return runtime.GOOS != "windows" && (err != nil || info.Mode().Perm()&0o077 != 0)
}
