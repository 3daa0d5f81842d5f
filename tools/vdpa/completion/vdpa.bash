# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of vdpa(8) for bash. What can stand where is what "vdpa ... -h" tells,
# names are what the kernel has.

# Prints "WORD VALUE" for each line of the help on a command
_vdpa_help()
{
	local line

	"$@" -h 2>/dev/null | while IFS= read -r line; do
		[[ $line =~ ^"  "([^ -][^ ]*)(" "([^ ]+))?" " ]] &&
			printf '%s %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
	done
}

# Names of the objects in a list, which are the keys on the second level
_vdpa_names()
{
	"$@" 2>/dev/null | sed -n 's/^        "\(.*\)": {.*/\1/p'
}

# Values of a field of the management devices
_vdpa_mgmtdev_field()
{
	"${@:2}" mgmtdev show 2>/dev/null | sed -n "s/^  $1 //p" | tr ' ' '\n' | sort -u
}

# _vdpa_values VALUE KEYWORD COMMAND... - what can stand for VALUE behind KEYWORD
_vdpa_values()
{
	local value=$1 keyword=$2

	shift 2
	case $value in
	MGMTDEV)	_vdpa_names "$@" -jp mgmtdev show ;;
	DEV...)		_vdpa_names "$@" -jp dev show ;;
	CLASS)		_vdpa_mgmtdev_field supported_classes "$@" ;;
	FEATURES)	_vdpa_mgmtdev_field dev_features "$@" ;;
	NETNS)		ls /var/run/netns 2>/dev/null ;;
	*'|'*)		tr '|' '\n' <<<"$value" ;;
	NAME)
		case $keyword in
		driver)	printf '%s\n' none vhost_vdpa virtio_vdpa ;;
		name)	_vdpa_names "$@" -jp dev show ;;
		esac ;;
	esac
}

# Adds those of stdin that begin with what was typed, behind what is before it.
# They are the kernel's: nothing of them is expanded.
_vdpa_reply()
{
	local typed=$1 before=$2 word

	while IFS= read -r word; do
		[[ -n $word && ${word,,} == "${typed,,}"* ]] && COMPREPLY+=("$before$word")
	done
}

_vdpa_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# What can stand at the place: a value, or keywords and commands not yet there
_vdpa_place()
{
	local cur=$1 prev=$2 before='' line
	local -a help command=("${tool[@]}")

	mapfile -t help < <(_vdpa_help "${tool[@]}" "${words[@]}")
	for line in "${help[@]}"; do
		[[ $line == "$prev "?* ]] || continue
		# a name that is to be new cannot be completed
		[[ ${words[*]} == "dev add "* && $line == "name NAME" ]] && return
		[[ $line == *" FILE" ]] && { _vdpa_files "$cur"; return; }
		if [[ $line == *" FEATURES" && $cur =~ ^(.*,)?([+-]?)([^,]*)$ ]]; then
			before=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
			cur=${BASH_REMATCH[3]}
		fi
		_vdpa_reply "$cur" "$before" < <(_vdpa_values "${line#* }" "$prev" "${command[@]}")
		return
	done
	for line in "${help[@]}"; do
		[[ " ${words[*]:at} " == *" ${line%% *} "* || $line == "DEV... " ]] ||
			_vdpa_reply "$cur" '' <<<"${line%% *}"
	done
	# right behind the command its first name needs no keyword
	for line in "mgmtdev MGMTDEV" "name NAME" "DEV... "; do
		[[ " ${help[*]} " == *" ${line% } "* ]] || continue
		[[ $at -eq ${#words[@]} || $line == "DEV... " ]] || return
		[[ $line == DEV* ]] && line="DEV... DEV..."
		_vdpa_reply "$cur" '' < <(_vdpa_values "${line#* }" name "${command[@]}")
		return
	done
}

# Options are passed over, but for the namespace to look into; sets words, tool
# and at, the number of words that are the command
_vdpa_words()
{
	local word skip=

	for word in "$@"; do
		case $skip$word in
		netns*)	tool+=(-n "$word"); skip= ;;
		file*)	skip= ;;
		-n|-netns|--netns) skip="netns" ;;
		-b|-batch|--batch) skip="file" ;;
		-*)	;;
		*)	words+=("$word") ;;
		esac
	done
	pending=$skip
	for ((at = 0; at < ${#words[@]}; at++)); do
		case ${words[at]} in
		mgmtdev|dev|save|monitor|config|features|stats|queue|vstats|profile|resource)
			((at < 2)) || break ;;
		show|list|add|del|set|check)
			((at > 0 && at < 3)) || break ;;
		*)	break ;;
		esac
	done
}

_vdpa()
{
	local line=${COMP_LINE:0:COMP_POINT} cur='' pending='' at=0 colons i
	local last=''
	local -a typed words=() tool=("$1")

	COMPREPLY=()
	# not COMP_WORDS, which end at each colon
	read -ra typed <<<"$line"
	if [[ $line != *[[:blank:]] ]]; then
		cur=${typed[-1]}
		unset 'typed[-1]'
	fi
	_vdpa_words "${typed[@]:1}"
	[[ ${#words[@]} -eq 0 ]] || last=${words[-1]}
	case $pending in
	netns)	_vdpa_reply "$cur" '' < <(_vdpa_values NETNS '' "${tool[@]}") ;;
	file)	_vdpa_files "$cur" ;;
	*)
		if [[ $cur == -* && $last != device_features ]]; then
			_vdpa_reply "$cur" '' < <("${tool[@]}" help 2>/dev/null |
				sed -n 's/^  \(-.\), \(--[a-zA-Z]*\).*/\1\n\2/p')
		else
			_vdpa_place "$cur" "$last"
		fi ;;
	esac
	# readline replaces what is behind the last colon only
	if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
		colons=${cur%"${cur##*:}"}
		for i in "${!COMPREPLY[@]}"; do
			COMPREPLY[i]=${COMPREPLY[i]#"$colons"}
		done
	fi
}

complete -F _vdpa vdpa
