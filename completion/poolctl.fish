# Completion of poolctl in fish: poolctl itself is asked what may stand there.

function __poolctl_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l word (string unescape -- (commandline -ct); or commandline -ct)
    $program __complete words $words[2..-1] "$word" 2>/dev/null
end

complete -c poolctl -f -a '(__poolctl_complete)'
