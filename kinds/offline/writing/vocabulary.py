"""Names, kinds, fears and skills: what the composer casts its stories with."""

from dataclasses import dataclass

SHE = (
    "Mina",
    "Tilda",
    "Hazel",
    "Juno",
    "Pippa",
    "Wren",
    "Nell",
    "Olive",
    "Dot",
    "Marla",
    "Fenna",
    "Isla",
    "Poppy",
    "Luma",
)
HE = (
    "Pim",
    "Otto",
    "Bram",
    "Finn",
    "Jasper",
    "Milo",
    "Tobin",
    "Rufus",
    "Ollie",
    "Hugo",
    "Barnaby",
    "Teo",
    "Linus",
    "Moss",
)
FRIEND_SHE = ("Tansy", "Bo", "Clover", "Mabel", "Sorrel", "Edda", "Biscuit", "Plum", "Winnie", "Saffron")
FRIEND_HE = ("Bramble", "Gus", "Fergus", "Quill", "Humphrey", "Mr Button", "Basil", "Tuck", "Alfie", "Pockets")
RIVALS = ("Flash", "Dash", "Marigold", "Sterling", "Zip", "Florian")

HEROES = (
    "fox",
    "rabbit",
    "bear",
    "mouse",
    "hedgehog",
    "girl",
    "boy",
    "dragon",
    "cat",
    "dog",
    "robot",
    "squirrel",
    "owl",
)
RIVAL_KINDS = ("rabbit", "deer", "fox", "horse", "cat", "dog")
HERO_TRAITS = ("small", "curious", "thoughtful", "cheerful", "quiet", "stubborn", "dreamy", "friendly")
FRIEND_TRAITS = ("old", "cheerful", "round", "sleepy", "wise", "polite", "freckled", "sturdy", "merry")
#: Kinds whose colour is not given by nature, so that a book has to choose one.
COLOURED = {"dragon": ("green", "teal", "purple", "red"), "robot": ("silver", "teal", "blue", "orange"),
            "monster": ("purple", "teal", "orange"), "dinosaur": ("green", "teal")}  # fmt: skip
CLOTHED = {"girl", "boy", "woman", "man", "grandmother", "grandfather", "princess", "queen", "prince", "king", "knight",
           "wizard", "witch", "fairy", "pirate", "astronaut"}  # fmt: skip
WOMEN = {"girl", "woman", "grandmother", "princess", "queen", "witch", "fairy", "mermaid"}
MEN = {"boy", "man", "grandfather", "prince", "king", "wizard"}
KNOWN_SHE = {
    "anna", "emma", "mia", "lea", "lena", "lina", "sara", "sarah", "julia", "laura", "lisa", "maria", "marie",
    "sophie", "sofia", "nora", "ida", "ella", "zoe", "luna", "amy", "alice", "lily", "rose", "olivia", "ava",
    "grace", "ruby", "molly", "lucy", "chloe", "hannah", "eva", "clara", "maya", "aisha", "fatima", "yuki",
    "mei", "ingrid", "freya", "elsa", "heidi", "greta",
}  # fmt: skip
KNOWN_HE = {
    "tom", "tim", "ben", "max", "leo", "finn", "paul", "jack", "sam", "oliver", "noah", "liam", "luke",
    "lukas", "jonas", "felix", "emil", "anton", "oscar", "hugo", "theo", "adam", "david", "daniel", "james",
    "john", "peter", "mark", "omar", "ali", "ahmed", "yusuf", "hiro", "kenji", "ivan", "hans", "karl", "erik",
    "lars", "pablo", "diego", "arthur", "george", "henry", "charlie",
}  # fmt: skip

#: What can be treasured, as it is called in words; the last word or two are drawn.
TREASURES = ("brass bell", "red kite", "silver key", "striped ball", "blue umbrella", "wooden drum", "picture book",
             "paper lantern", "humming shell", "old guitar")  # fmt: skip

OPENINGS = (
    "Most days were ordinary days, but this was not going to be one of them.",
    "It all began on a morning that smelled of toast.",
    "And it was on a day just like any other that everything began.",
    "Nothing much had ever happened there, and then, all in one day, it did.",
    "There was something in the air that day, and it was not only the smell of pancakes.",
)
MOODS = {"magical": "magical", "magic": "magical", "funny": "funny", "silly": "silly", "cosy": "cosy", "cozy": "cosy",
         "spooky": "slightly spooky", "mysterious": "mysterious", "happy": "happy", "sad": "quiet",
         "exciting": "exciting",
         "wild": "wild", "gentle": "gentle", "peaceful": "peaceful", "strange": "strange", "dreamy": "dreamy",
         "summer": "summery", "winter": "wintry", "rainy": "rainy", "scary": "slightly spooky",
         "epic": "grand"}  # fmt: skip

ENDINGS = (
    "And if you ever pass that way, look for the light in the window.",
    "And that night everybody slept very, very well.",
    "It was, they all agreed, a very good place for a story to stop.",
    "Then the lamp went out, the moon looked in, and all was well.",
)


@dataclass(frozen=True)
class Fear:
    """`words` in a prompt name it. `feels`, `there` and `after` are told before, at and behind the worst of it."""

    name: str
    words: tuple[str, ...]
    feels: str
    there: str
    after: str


FEARS = (
    Fear("the dark", ("dark", "darkness", "night", "shadow", "shadows"),
         "When the lamp went out, the corners of the room seemed to lean in.",
         "The sun had gone, there was no moon, and the dark had come right up to the door.",
         "It was the same dark as before, and yet it had turned soft, like a blanket that someone has already slept in."),
    Fear("thunder", ("thunder", "storm", "storms", "lightning", "noise", "noises", "loud"),
         "At the first far-off rumble, every sensible thought left the room.",
         "Beyond the hills the thunder had begun to roll its barrels up and down.",
         "The thunder was still going on, but now it sounded like an old giant moving his furniture."),
    Fear("deep water", ("water", "swim", "swimming", "waves", "drown", "bath"),
         "Even a large puddle made those knees go weak.",
         "The water had risen that day, and it lay across the way, wide and grey.",
         "The water lay there quite still, and all it was doing was holding up the sky."),
    Fear("high places", ("high", "heights", "height", "climb", "climbing", "flying", "fall", "falling"),
         "Just looking up at a tall ladder was enough to make everything spin.",
         "The only way there went up, and up, and then up some more.",
         "It was still a very long way down, but it was also the finest view in the world."),
    Fear("ghosts", ("ghost", "ghosts", "monster", "monsters", "spooky", "haunted", "witch", "scary"),
         "A curtain had only to move a little, and out came goose bumps all over.",
         "Something pale was moving about out there, between the shadows.",
         "The pale thing turned out to be a tablecloth that had blown off a line, and it looked rather lost."),
)  # fmt: skip

#: What can be learnt: how it feels when it works.
SKILLS = {
    "fly": "the ground let go, and the whole world lay below like a bright quilt.",
    "swim": "the water, which had always pulled, began to carry.",
    "dance": "feet that had always tripped over each other now said please and thank you.",
    "sing": "out came a note as clear as a bell, and then another one that fitted.",
    "paint": "the colours ran towards each other like old friends, and there was the morning, on paper.",
    "bake": "up and up it rose, golden and round, and the smell went through every wall.",
    "read": "the little black marks stopped being ants, and turned, one by one, into a story.",
    "skate": "there was nothing but speed and blue air and two long, singing lines.",
    "whistle": "out came a tune so neat that the birds stopped to listen.",
    "juggle": "three apples went up, and three apples came down, and not one of them was bruised.",
    "draw": "one line led to the next, until a whole face looked up from the paper and smiled.",
    "cook": "the soup tasted of summer, and everybody held out a bowl for more.",
    "play the drum": "the beat ran down from the heart to the hands and out into the wide world.",
}

#: A word of the prompt that nothing else in the story has used.
ECHOES = (
    "All that day one word kept going round in {his} head, and the word was “{echo}”.",
    "“{Echo},” {he} murmured now and then, because it was {his} favourite word that week.",
    "On the wall hung a note to {himself} with a single word on it: “{echo}”.",
)
UNFIT = ("kill", "murder", "blood", "dead", "death", "die", "dying", "sex", "porn", "nud", "rape", "nazi", "hitler",
    "drug", "weapon",
         "gun", "bomb", "terror", "suicid", "tortur", "hate", "slave", "fuck", "shit", "bitch", "racis", "ignore",
         "instruction",
         "system", "prompt", "script", "alert", "select", "drop", "http", "passw", "exec")  # fmt: skip
COMMON = {
    "about", "above", "after", "again", "against", "almost", "along", "also", "always", "another", "around",
    "away", "back", "because", "been", "before", "being", "below", "between", "both", "come", "comes", "could",
    "does", "doing", "down", "during", "each", "even", "ever", "every", "everyone", "everything", "from",
    "gets", "give", "gives", "goes", "going", "good", "great", "have", "having", "here", "himself", "herself",
    "inside", "into", "itself", "just", "keep", "keeps", "kind", "know", "knows", "large", "like", "little",
    "live", "lived", "lives", "long", "made", "make", "makes", "many", "more", "most", "much", "must", "named",
    "called", "near", "never", "next", "once", "only", "other", "over", "please", "really", "said", "same",
    "short", "should", "show", "some", "somebody", "someone", "something", "soon", "such", "take", "takes",
    "tale", "tell", "tells", "than", "that", "their", "them", "then", "there", "these", "they", "thing",
    "things", "this", "those", "through", "time", "today", "together", "until", "upon", "very", "want",
    "wanted", "wants", "was", "wear", "wears", "well", "went", "were", "what", "when", "where", "which",
    "while", "who", "whose", "will", "with", "without", "work", "would", "write", "year", "years", "your",
    "story", "stories", "book", "picture", "illustrated", "children", "child", "kids", "page", "pages",
    "adventure", "adventures", "magical", "magic", "tiny", "small", "young", "hero", "day", "night", "morning",
    "evening", "beautiful", "first", "last", "world", "name", "friend", "friends", "friendship", "learn",
    "learns", "find", "finds", "help", "helps", "meet", "meets", "become", "becomes", "discover", "discovers",
    "try", "tries", "dream", "dreams", "brave", "scared", "afraid", "lonely", "happy", "test", "example",
    "hello", "thanks", "thank", "nothing", "afterwards", "whole", "part", "under",
}  # fmt: skip
