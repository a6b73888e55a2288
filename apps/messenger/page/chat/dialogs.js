// Rooms and people to choose from: new room, public rooms, a new conversation, whom to invite, where to go.

import { avatar, roomMark } from "../ui/avatar.js";
import { h } from "../ui/dom.js";
import { field, form, showDialog } from "../ui/dialog.js";
import { picker } from "../ui/picker.js";
import { attempt, toast } from "../ui/toast.js";

const FOUND_MAX = 30;

export function createRoom(app) {
  return showDialog("New room", (close) => form({
    action: "Create room",
    fields: [
      field("Name", { name: "name", maxlength: "64", required: true, autofocus: true, autocomplete: "off", placeholder: "Weekend hikes" }),
      h("label", { class: "choice" }, h("input", { type: "radio", name: "is_public", value: "yes", checked: true }),
        h("span", {}, h("strong", {}, "Public"), h("small", {}, "Everybody can find it, read it and join."))),
      h("label", { class: "choice" }, h("input", { type: "radio", name: "is_public", value: "no" }),
        h("span", {}, h("strong", {}, "Private"), h("small", {}, "Only who is invited can come in."))),
    ],
    submit: async ({ name, is_public: isPublic }) => {
      const room = await app.messenger.call("room.create", { name: name.trim(), is_public: isPublic === "yes" });
      close();
      app.store.put(room);
      app.open(room.id);
    },
  }));
}

export function browseRooms(app) {
  return showDialog("Public rooms", (close) => picker({
    label: "Public rooms",
    placeholder: "Find a room",
    nothing: "No room of that name.",
    find: async (search) => (await app.messenger.call("room.list", { search: search || undefined, limit: FOUND_MAX })).rooms,
    row: (room) => [roomMark({ kind: "public" }), h("span", { class: "option-text" }, h("strong", {}, room.name), h("small", {}, count(room.members))),
      h("span", { class: "option-side" }, room.is_member ? "Open" : "Join")],
    pick: (room) => attempt(async () => {
      if (!room.is_member) app.store.put(await app.messenger.call("room.join", { room: room.id }));
      close();
      app.open(room.id);
    }),
  }));
}

export function startConversation(app) {
  return showDialog("New direct message", (close) => peoplePicker(app, {
    isOffered: (person) => person.id !== app.store.me.id && !person.is_removed,
    pick: (person) => openConversation(app, person.id).then(close),
  }));
}

export function openConversation(app, person) {
  return attempt(async () => {
    const room = await app.messenger.call("dm.open", { person });
    app.store.put(room);
    app.open(room.id);
  });
}

export function inviteTo(app, room) {
  return showDialog(`Invite to ${room.name}`, (close) => peoplePicker(app, {
    where: { not_in_room: room.id },
    isOffered: (person) => !person.is_removed,
    pick: (person) => attempt(async () => {
      await app.messenger.call("room.invite", { room: room.id, person: person.id });
      close(true);
      toast(`${person.name} is invited.`);
    }),
  }));
}

// Rooms first, then people.
export function switchTo(app) {
  return showDialog("Jump to", (close) => picker({
    label: "Rooms and people",
    placeholder: "Room or person",
    nothing: "Nothing of that name.",
    find: async (search) => {
      const wanted = search.toLocaleLowerCase();
      const rooms = app.store.list().filter((room) => room.name.toLocaleLowerCase().includes(wanted));
      rooms.sort((a, b) => Number(b.unread > 0) - Number(a.unread > 0));
      const known = new Set(rooms.map((room) => room.with).filter(Boolean));
      const people = wanted ? await findPeople(app, search) : [];
      const others = people.filter((person) => person.id !== app.store.me.id && !known.has(person.id) && !person.is_removed);
      return [...rooms.map((room) => ({ room })), ...others.map((person) => ({ person }))].slice(0, FOUND_MAX);
    },
    row: ({ room, person }) => (room
      ? [roomMark(room, app.store.people.get(room.with)), h("span", { class: "option-text" }, h("strong", {}, room.name)),
        room.unread > 0 && h("span", { class: "badge" }, String(room.unread))]
      : personRow(person)),
    pick: async ({ room, person }) => {
      close();
      if (room) app.open(room.id);
      else await openConversation(app, person.id);
    },
  }));
}

function peoplePicker(app, { where, isOffered, pick }) {
  return picker({
    label: "People",
    placeholder: "Find somebody by name",
    nothing: "Nobody of that name.",
    find: async (search) => (await findPeople(app, search, where)).filter(isOffered),
    row: personRow,
    pick,
  });
}

async function findPeople(app, search, where) {
  const { people } = await app.messenger.call("people", { search: search || undefined, ...where, limit: FOUND_MAX });
  app.store.know(people);
  return people;
}

function personRow(person) {
  return [avatar(person), h("span", { class: "option-text" }, h("strong", {}, person.name), h("small", {}, person.is_online ? "online" : ""))];
}

const count = (members) => (members === 1 ? "1 person" : `${members} people`);
