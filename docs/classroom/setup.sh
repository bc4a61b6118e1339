#!/bin/sh
# Makes the folders of the classroom and closes them, as root; docs/classroom.md explains. It can be run again, and
# should be after new accounts: it closes their homes too.
set -eu
srv=${VISIONLAB_SRV:-/srv}
group=${VISIONLAB_GROUP:-visionlab}
instructor=${VISIONLAB_INSTRUCTOR:-instructor}
team=$(id -gn "$instructor")
here=$(dirname "$0")
course=$srv/courses/visionlab
exchange=$srv/nbgrader/exchange

for member in $(getent group "$group" | cut -d: -f4 | tr , ' '); do
    if [ "$member" != "$instructor" ] && id -Gn "$member" | tr ' ' '\n' | grep -qx "$team"; then
        echo "$member is in the group $team, which may read submissions." >&2
        echo "Give $instructor a primary group without students." >&2
        exit 1
    fi
    chmod 700 "$(getent passwd "$member" | cut -d: -f6)"
done

# The hub's database and keys: root's alone.
install -d -m 700 "$srv/jupyterhub"
install -m 600 "$here/jupyterhub_config.py" "$srv/jupyterhub/"

# Solutions, hidden cases, submissions, records and the gradebook: the instructor's alone.
install -d -m 755 "$srv/courses"
install -d -m 700 "$course"
chown -R "$instructor:$team" "$course"

# The exchange. Sticky (1…): nobody renames what is another's. Set-group-ID (2…): what is handed in belongs to the
# instructor's group.
install -d -m 755 "$srv/nbgrader"
install -m 644 "$here/nbgrader_config.py" "$srv/nbgrader/"
install -d -m 1777 "$exchange"
install -d -m 755 -o "$instructor" -g "$team" "$exchange/visionlab"
install -d -m 3733 -o "$instructor" -g "$team" "$exchange/visionlab/inbound"
