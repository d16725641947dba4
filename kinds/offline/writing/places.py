"""Where stories happen: what each place is called, what lives there and what it looks like."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place in words and in the illustrator's settings.

    Where the hero lives is "in {home}", which looks like `house`; `landmark` is what stands at `far`. `path`, `wild` and `far` are noun phrases for the way, the
    middle and the end of a walk; the settings are, in this order, those of home, path, wild and far.
    """

    words: tuple[str, ...]
    where: str
    the: str
    home: str
    path: str
    wild: str
    far: str
    settings: tuple[str, str, str, str]
    helpers: tuple[str, ...]
    details: tuple[str, ...]
    house: str = "house"
    landmark: str = ""


PLACES: dict[str, Place] = {
    "underwater": Place(
        ("underwater", "reef", "seabed", "mermaid", "fish", "whale", "octopus", "dolphin", "coral"),
        "under the sea", "the reef", "a round shell house beside the coral", "the sandy lane between the corals",
        "the seaweed forest", "the sunken ship", ("underwater", "underwater", "underwater", "underwater"), ("turtle", "octopus", "crab", "fish"),
        ("Bubbles went up past the corals like tiny silver balloons.", "The sunlight came down through the water in long, slow ribbons.",
         "A shoal of little fish turned all at once, like a page.", "Far above, the waves rolled over without a sound.",
         "The seaweed bowed to the left, and then to the right.", "A sea snail looked up, thought about it, and went on."),
        "shell",
    ),
    "space": Place(
        ("space", "moon", "planet", "rocket", "star", "stars", "galaxy", "astronaut", "alien"),
        "on the moon", "the moon", "a round glass house beside a quiet crater", "the silver dust road", "the plain of sleeping stones",
        "the edge of the great crater", ("moon", "moon", "moon", "space"), ("robot", "mouse", "rabbit", "owl"),
        ("The Earth hung in the black sky, blue as a marble.", "Every footstep left a print as neat as a stamp.",
         "A shooting star went by and did not stop to explain.", "It was so quiet that you could almost hear the stars blink.",
         "The silver dust sparkled wherever the light touched it.", "Far away, a comet was combing its long white tail."),
        "rocket",
    ),
    "castle": Place(
        ("castle", "palace", "kingdom", "princess", "prince", "king", "queen", "knight", "tower"),
        "in a castle on a hill", "the castle", "the smallest tower of a castle on a hill", "the winding garden path", "the old rose maze",
        "the gate at the end of the gardens", ("castle", "garden", "garden", "castle"), ("mouse", "cat", "knight", "owl"),
        ("High on the towers, the flags were snapping in the wind.", "A row of stone lions watched with very patient faces.",
         "Somewhere a cook was singing to the soup.", "The fountain told the same long story that it always told.",
         "Roses climbed the walls as if they wanted to look in.", "A white peacock stepped out of the way, but only just."),
        "castle",
    ),
    "beach": Place(
        ("beach", "sea", "ocean", "island", "harbour", "harbor", "shore", "coast", "pirate", "boat", "ship", "sailor", "lighthouse", "waves"),
        "by the sea", "the bay", "a white house above the harbour", "the shore road", "the cove where the seals sleep",
        "the old lighthouse", ("beach", "beach", "beach", "beach"), ("turtle", "crab", "bird", "penguin"),
        ("The waves came in, said hush, and went out again.", "The air tasted of salt and faraway places.",
         "Gulls hung in the wind like kites without strings.", "The tide had drawn a neat white line along the sand.",
         "Small boats nodded to each other in the harbour.", "Every rock pool had its own tiny sky in it."),
        landmark="lighthouse",
    ),
    "snow": Place(
        ("snow", "ice", "winter", "arctic", "north", "christmas", "penguin", "snowman", "frozen", "polar"),
        "in the land of snow", "the snowfield", "a snug little house under a roof of snow", "the sledge track", "the silent fir trees",
        "the frozen waterfall", ("snow", "snow", "snow", "snow"), ("penguin", "fox", "rabbit", "owl"),
        ("The snow squeaked under every step.", "The fir trees wore white hats, and some wore two.",
         "Icicles rang softly whenever the wind went by.", "Every breath made a small cloud of its own.",
         "The whole world looked as if someone had just ironed it.", "A line of tiny footprints ran off on business of its own."),
    ),
    "desert": Place(
        ("desert", "sand", "camel", "dune", "oasis", "cactus", "pyramid"),
        "at the edge of the desert", "the desert", "a cool clay house beside the oasis", "the caravan trail", "the singing dunes",
        "the well at the end of the world", ("desert", "desert", "desert", "desert"), ("turtle", "fox", "snake", "lion"),
        ("The sand lay in long, soft waves, like a sea that had stopped to think.", "Warm wind drew patterns on the dunes and wiped them out again.",
         "A cactus stood by with both arms up, as if it knew the answer.", "Far away, the air was dancing with the heat.",
         "A beetle climbed a dune, slid down, and began again.", "The shadows were the coolest thing for miles, and everyone used them."),
    ),
    "mountains": Place(
        ("mountain", "mountains", "hill", "hills", "cliff", "valley", "volcano", "cave", "dragon"),
        "high in the mountains", "the valley", "a stone house at the foot of the mountain", "the stony path", "the echoing rocks",
        "the cave near the top", ("mountains", "mountains", "mountains", "cave"), ("bear", "owl", "sheep", "hedgehog"),
        ("The peaks stood all around with snow on their shoulders.", "A stream came hopping down the rocks, chattering to itself.",
         "The wind smelled of pine and cold stone.", "Far below, the houses were as small as crumbs.",
         "An eagle drew one slow circle and was gone.", "Little blue flowers held on tight between the stones."),
    ),
    "jungle": Place(
        ("jungle", "rainforest", "tropical", "monkey", "tiger", "elephant", "lion", "parrot", "savanna", "safari"),
        "in the deep green jungle", "the jungle", "a house of leaves beside the river", "the elephant track", "the hanging vines",
        "the stone steps that nobody remembers", ("jungle", "jungle", "jungle", "jungle"), ("monkey", "elephant", "frog", "tiger"),
        ("Drops of water slid from leaf to leaf, all the way down.", "Something with a great many colours flew across the path.",
         "The vines hung down like curtains in a theatre.", "Every tree was full of small opinions.",
         "The air was as warm and green as soup.", "A butterfly the size of a hand opened, and closed, and opened."),
    ),
    "city": Place(
        ("city", "street", "robot", "train", "bus", "museum", "london", "paris", "york", "tokyo", "skyscraper", "computer", "factory"),
        "in the middle of a big city", "the city", "an attic room high above the streets", "the long street of lamps",
        "the square with the clock", "the old railway station", ("city", "city", "city", "city"), ("cat", "mouse", "bird", "dog"),
        ("The trams rang their bells at every corner.", "A thousand windows were doing a thousand different things.",
         "The smell of warm bread came round the corner to see who was there.", "Pigeons walked about as if they owned the place.",
         "Somebody was practising the trumpet, bravely, on the fourth floor.", "The puddles held small pieces of the sky."),
        "shop",
    ),
    "garden": Place(
        ("garden", "flower", "bee", "butterfly", "snail", "backyard", "park", "vegetable", "ladybug", "caterpillar"),
        "in an old walled garden", "the garden", "a little house behind the sunflowers", "the gravel path", "the tall raspberry canes",
        "the green door in the wall", ("garden", "garden", "garden", "garden"), ("snail", "hedgehog", "frog", "butterfly"),
        ("Bees went from flower to flower with their shopping.", "The roses had opened in the night, without telling anyone.",
         "A watering can stood in the grass, full of sky.", "The beans had climbed another inch up their poles.",
         "Ladybirds sat on the leaves like small red buttons.", "The whole wall was warm, right to the top."),
    ),
    "village": Place(
        ("village", "town", "market", "bakery", "school", "shop", "kitchen", "home", "grandma", "library"),
        "in a village with red roofs", "the village", "a yellow house at the end of the lane", "the cobbled lane", "the market square",
        "the mill on the hill", ("village", "village", "village", "meadow"), ("dog", "cat", "sheep", "hen"),
        ("Smoke rose from the chimneys in soft grey curls.", "The church clock said one thing and the baker's clock another.",
         "Washing danced on the lines between the houses.", "An old dog lay exactly in the middle of the road.",
         "Geraniums leaned out of every window to see who was passing.", "The cobbles shone as if somebody had polished them one by one."),
        landmark="windmill",
    ),
    "farm": Place(
        ("farm", "barn", "cow", "pig", "horse", "sheep", "hen", "tractor", "field"),
        "on a farm between two hills", "the farm", "a cosy corner of the big red barn", "the track between the fields", "the tall corn",
        "the old windmill", ("farm", "meadow", "meadow", "farm"), ("hen", "pig", "cow", "dog"),
        ("The hens were discussing the weather, all at once.", "The corn whispered whenever the wind went through it.",
         "A tractor hummed to itself on the other side of the hill.", "The hay smelled of every summer there had ever been.",
         "Two cows looked over the gate, chewing very slowly.", "Swallows wrote quick lines across the sky."),
        "barn",
        landmark="windmill",
    ),
    "river": Place(
        ("river", "lake", "pond", "stream", "frog", "duck", "otter", "swan", "beaver"),
        "beside the river", "the river", "a little house among the reeds", "the towpath", "the bend where the willows lean",
        "the old stone bridge", ("river", "river", "river", "river"), ("frog", "duck", "turtle", "mouse"),
        ("Dragonflies stitched the air above the water.", "The willows trailed their fingers in the stream.",
         "A leaf sailed past, with a beetle for a captain.", "The water carried small bright pieces of the sky.",
         "The reeds rustled as if they were passing on a secret.", "Somewhere a fish jumped, just to see."),
        landmark="bridge",
    ),
    "forest": Place(
        ("forest", "wood", "woods", "tree", "trees", "fox", "bear", "owl", "hedgehog", "squirrel", "deer", "fairy", "witch", "wolf"),
        "in the whispering forest", "the forest", "a crooked cottage under the pines", "the mossy path", "the ferny hollow",
        "the oldest oak of all", ("forest", "forest", "forest", "forest"), ("owl", "hedgehog", "squirrel", "deer"),
        ("Sunlight and leaf shadow lay on the ground like a quilt.", "A woodpecker was knocking, but nobody opened.",
         "The moss was as soft as a cat asleep.", "The air smelled of mushrooms and old rain.",
         "The pines hummed one long low note together.", "An acorn fell, looked around, and lay still."),
        landmark="tree",
    ),
    "meadow": Place(
        ("meadow", "grass", "rabbit", "mouse", "kite", "balloon", "unicorn", "picnic", "country", "spring"),
        "at the edge of a wide meadow", "the meadow", "a round-doored house in the side of a hill", "the grassy path", "the long grass",
        "the single tree on the hill", ("meadow", "meadow", "meadow", "meadow"), ("rabbit", "mouse", "hedgehog", "sheep"),
        ("The grass ran in waves, all the way to the hills.", "A lark was going up and up on a ladder of song.",
         "Poppies nodded as if they agreed with everything.", "Dandelion clocks let go, one seed at a time.",
         "Crickets were tuning their very small violins.", "The clouds had taken off their coats and lay about in the blue."),
        landmark="tree",
    ),
}  # fmt: skip
