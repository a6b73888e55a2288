// What the page knows beside messages: oneself, people, rooms and their counts, invitations, who types.
//
// Events: `rooms`, `people`, `notifications`, `typing` (detail: room id), `gone` (detail: { room, why }),
// `unknown` (detail: a person who is shown and not known).

const TYPING_MS = 5_000;

export class Store extends EventTarget {
  me;
  epoch;
  textMax = 4_000;
  rooms = new Map();
  invitations = new Map();
  people = new Map();
  notificationsUnread = 0;
  // Grows when somebody's name becomes known, and not with who comes and goes.
  names = 0;
  #typing = new Map(); // room -> person -> timer

  constructor(me) {
    super();
    this.me = me;
  }

  // The whole state, at the first connection and after each reconnect. Of whom it does not tell it is asked again.
  load(sync) {
    const told = new Set(sync.people.map(({ id }) => id));
    for (const id of this.people.keys()) if (!told.has(id)) this.tell("unknown", id);
    this.me = { ...this.me, ...sync.me };
    this.epoch = sync.epoch;
    this.textMax = sync.text_max ?? this.textMax;
    for (const person of sync.people) this.people.set(person.id, { ...this.people.get(person.id), ...person });
    this.names += 1;
    for (const id of this.rooms.keys()) {
      if (!sync.rooms.some((room) => room.id === id)) this.remove(id, "left");
    }
    for (const room of sync.rooms) this.rooms.set(room.id, { ...this.rooms.get(room.id), ...room });
    this.invitations = new Map(sync.invitations.map((room) => [room.id, room]));
    this.notificationsUnread = sync.notifications_unread;
    for (const type of ["rooms", "people", "notifications"]) this.tell(type);
  }

  // A room that one is in, or is invited to.
  put(room) {
    if (room.role) {
      this.invitations.delete(room.id);
      this.rooms.set(room.id, { ...this.rooms.get(room.id), ...room });
      if (room.with) this.person(room.with);
    } else {
      this.invitations.set(room.id, room);
    }
    this.tell("rooms");
  }

  remove(id, why) {
    const wasThere = this.rooms.delete(id);
    const wasInvited = this.invitations.delete(id);
    if (wasThere) this.tell("gone", { room: id, why });
    if (wasThere || wasInvited) this.tell("rooms");
  }

  change(id, changes) {
    const room = this.rooms.get(id);
    if (!room) return;
    Object.assign(room, changes);
    this.tell("rooms");
  }

  // Somebody who is not known yet is asked for: writers of old messages may be in no room any more.
  person(id) {
    const known = this.people.get(id);
    if (!known) this.tell("unknown", id);
    return known ?? { id, name: "Somebody" };
  }

  know(people) {
    let isNews = false;
    for (const person of people) {
      const known = this.people.get(person.id);
      if (!known && !person.name) {
        this.tell("unknown", person.id);
        continue;
      }
      if (known && Object.entries(person).every(([key, value]) => known[key] === value)) continue;
      this.people.set(person.id, { ...known, ...person });
      if (person.name && person.name !== known?.name) this.names += 1;
      isNews = true;
    }
    if (isNews) this.tell("people");
  }

  // Large rooms list their first members only.
  static listsAll({ members, member_count: count }) {
    return members.length >= count;
  }

  // Rooms in the order of what happened last.
  list() {
    const when = (room) => Date.parse(room.last?.at ?? "") || 0;
    return [...this.rooms.values()].sort((a, b) => when(b) - when(a) || a.name.localeCompare(b.name));
  }

  unreadRooms() {
    return [...this.rooms.values()].filter((room) => room.unread > 0).length;
  }

  typed(room, person) {
    if (person === this.me.id) return;
    const people = this.#typing.get(room) ?? new Map();
    this.#typing.set(room, people);
    clearTimeout(people.get(person));
    people.set(person, setTimeout(() => this.stopped(room, person), TYPING_MS));
    this.tell("typing", room);
  }

  stopped(room, person) {
    const people = this.#typing.get(room);
    if (!people?.has(person)) return;
    clearTimeout(people.get(person));
    people.delete(person);
    this.tell("typing", room);
  }

  typing(room) {
    return [...(this.#typing.get(room)?.keys() ?? [])].map((id) => this.person(id));
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
