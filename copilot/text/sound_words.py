"""Tables of the words in captions: verbs that sound, things that sound, and what changes no sound.

Verbs and things are compared by their stems (`copilot.text.word_stems`), the others as they stand.
"""

from __future__ import annotations

from copilot.text.captions import word_set
from copilot.text.word_stems import reduce_caption_word


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(reduce_caption_word, text.split()))


JOINING = word_set(
    "and or while as then with followed plus before after but when whilst until during amid amidst together"
)
"""Words that begin a clause, which may name another sound."""

NEGATIONS = word_set("no not without never nobody nothing none hardly neither nor")

FAILURES = word_set("fails failing cannot won't refuses")
"""Words of clauses in which nothing sounds: `an engine fails to start`."""

_SPEAKING = """
    speak speaks speaking speech talk talks talking say says saying said tell tells telling yell yells
    yelling shout shouts shouting scream screams screaming shriek shrieks shrieking cry cries crying sob
    sobs sobbing weep weeps weeping whisper whispers whispering sing sings singing rap rapping chant chants
    chanting mumble mumbles mumbling mutter mutters muttering announce announces announcing recite recites
    reciting preach preaches narrate narrates narrating read reads reading laugh laughs laughing giggle
    giggles giggling chat chats chatting argue argues arguing converse gossip scold coo coos cooing babble
    babbles babbling
"""
VOICE_VERBS = word_set(_SPEAKING)
"""Verbs, in all their forms, for a voice that no place hides: `a man in a car speaks`."""

NOISY_VERBS = _stems(
    """
    roar rumble drone whir whirr hum buzz rattle clatter clank clang clink clack grind thump thud pound
    hammer tap chug puff whine groan crackle boom blare wail ring toll peal jingle jangle tinkle ding crack
    snap pop tick flutter flap creak run step hiss moan burst explode bang knock whistle toot
    """
)
"""Verbs for the manner of a noise: a thing that does so sounds as it always does."""

SOUND_VERBS = NOISY_VERBS | _stems(
    _SPEAKING
    + """
    bark growl whimper howl yelp yap pant lap lick sniff snarl bay meow purr mew yowl moo bleat baa oink
    grunt squeal neigh whinny snort bray nicker cluck crow quack honk gobble caw hoot chirp tweet twitter
    peck squawk screech trill warble trumpet croak chuckle cackle cough sneeze snore sniffle burp belch
    hiccup fart gargle chew eat munch bite crunch slurp sip drink gulp swallow spit vomit breathe gasp sigh
    yawn kiss clap applaud cheer boo walk march jog stomp trot gallop type write slap punch kick bounce
    dribble beep squeak scrape scratch saw drill chop cut slice tear rip crumple crinkle rustle shuffle flip
    pour drip splash spray flush gurgle bubble boil sizzle fry trickle crash smash shatter break shoot rev
    idle accelerate brake skid drive vibrate open close shut slide lock unlock zip unzip burn pluck strum
    bow stir shave sweep dig sand load cock chime squish squelch ruffle broadcast mow vacuum wash brush
    shovel stab fizz chatter flow drown splutter
    """
)
"""Verbs that say what one hears."""

THINGS = _stems(
    """
    whale dolphin seal walrus pig hog boar piglet duck duckling goose turkey chicken hen chick parrot
    peacock ostrich penguin hawk eagle falcon vulture woodpecker monkey ape gorilla chimpanzee elephant lion
    tiger leopard bear snake lizard crocodile fox deer moose camel llama donkey hamster rabbit hedgehog pet
    animal beast zombie monster dragon alien ghost baby infant toddler newborn newborns announcer reporter
    singer rapper narrator commentator preacher television tv movie film cartoon game video podcast
    audiobook song lyrics speech voice conversation dialogue announcement interview lecture poem story
    prayer toilet shower bathtub bath sink drain hose sprinkler faucet tap washer dishwasher dryer heater
    toaster oven grinder juicer blender mixer hairdryer toothbrush razor shaver vacuum cleaner sander lathe
    router welder compressor crane forklift mower trimmer bulldozer elevator escalator skateboard scooter
    roller surfboard racket ball basketball football tennis bowling pin dart arrow bow balloon whistle kazoo
    zipper velcro tape plastic bag wrapper foil box cap cork can straw bottle jar cup mug glass drawer
    cupboard cabinet wardrobe door gate window hinge swing seesaw trampoline match cigarette lighter
    extinguisher hydrant engine motor vehicle car truck bus van jacket coat toy doll puppet stapler stamp
    staple ruler scissors knife snack cereal apple carrot chips rattlesnake sitar banjo bagpipe harmonica
    saxophone trombone clarinet oboe bassoon didgeridoo xylophone marimba glockenspiel ukulele mandolin
    turntable record theremin modem fax tone dial signal arcade robot computer hail sleet avalanche
    earthquake volcano eruption tornado landslide cage collar leash saddle kennel jug barrel pigeon dove
    cuckoo squirrel radio printer photocopier copier welding snowmobile aquarium dice harpsichord celesta
    lute cello kora koto hip-hop busker kite sniffle lawn water choir chorus drum string booth service music
    beat
    """
)
"""Nouns that are, or make, a sound of their own, besides those that recipes are named for."""

SOURCES = THINGS | _stems(
    """
    rain drizzle thunder storm wind breeze snow wave surf sea ocean river stream waterfall fire leaf bird gull
    crow raven owl rooster insect cricket cicada bee wasp fly mosquito frog dog puppy wolf cat kitten cow
    sheep lamb goat horse hoof rat mouse crowd audience applause laughter child footstep bell chime clock
    alarm siren horn phone telephone doorbell keyboard typewriter camera coin key chain sword gun gunshot
    explosion firework cannon hammer axe saw chainsaw drill pump fan factory machine train tram bus car truck
    motorcycle bicycle traffic plane airplane jet helicopter boat ship cart engine motor kettle dish plate
    cutlery glass paper page book broom curtain piano guitar violin flute trumpet organ harp accordion choir
    drum orchestra band
    """
)
"""Nouns for what people most often hear."""

PEOPLE = word_set(
    """
    man men woman women person people boy boys girl girls kid kids child children adult adults male males
    female females lady ladies guy guys someone somebody everyone anybody he she they we him her them his
    worker workers player players driver drivers guard guards sailor sailors soldier soldiers passenger
    passengers cook cooks chef patient patients friend friends stranger strangers messenger actor
    busker neighbour neighbours neighbor prisoner servant customer customers musician musicians band
    grandmother grandfather mother father human humans mason dancer dancers monk monks crew group
    """
)
"""Those who do something. The verb says what one hears of them."""

_FUNCTION_WORDS = """
    a an the some any its his her their my your our it this that these those there is are was were be being
    been has have having do does each all both very quite rather so too just only even also more most less
    of own another other others same something anything else one two three four five six seven eight nine
    ten few several many multiple dozen dozens couple pair handful number lot lots set series row group
    groups bunch bits piece pieces burst bursts roll peal cloud sheet sheets flock herd pack half once twice
    thrice times time again off on up down out away back forth past by over through around along about
    together apart here somewhere nearby far near close overhead outside inside outdoors indoors upstairs
    downstairs ahead forward behind above below underneath beyond beneath next last first second sound
    sounds noise noises audio recording ambience ambiance ambient atmosphere background effect effects
"""
"""Articles, pronouns, numbers, adverbs, and words for a sound as such."""

_COURSE = """
    continue continues continuing begin begins beginning start starts starting started stop stops stopping
    stopped end ends ending keep keeps keeping go goes going come comes coming get gets getting become
    becomes becoming grow grows growing rise rises rising fade fades fading die dies dying return returns
    make makes making made give gives giving let letting lets take takes taking turn turns turning heard
    hear sounding play plays playing played pass passes passing passed approach approaches approaching move
    moves moving leave arriving arrive arrives echo echoes echoing repeat repeats repeating resound resounds
    resonate linger use using used drawn struck put held thrown laid kept driven fall falls falling fell
    sets hang wait stand stands standing sit sits sitting rolls rolling rock rocks rocking rush rushes
    rushing drift drifts drifting swell swells swelling swing swings swinging trundle trundles trundling
    glide glides gliding circle circling hover hovers hovering speed speeds speeding race races racing zoom
    zooms zooming cruise cruises cruising land lands landing winding build builds building sway sways
    swaying drag drags dragged dragging drop drops dropped dropping throw throws toss tossed shake shakes
    shaken shaking lift lifts lifted pull pulls pulled pulling push pushes pushed pushing hit hits hitting
    work works working operate operates operating blow blows blowing strike strikes striking mark marks
    marking cross crosses crossing answer answered restart tumble tumbles tumbling slip slips slipping
"""
"""Verbs for what comes, goes, moves or is moved, and so changes no sound."""

_QUALITIES = """
    soft gentle quiet faint subdued calm mild delicate hushed subtle light thin weak low high deep loud
    heavy torrential massive violent fierce furious raging powerful intense strong thick wild vigorous
    relentless hard harsh sharp rough energetic forceful sparse scattered occasional frequent steady
    constant continuous intermittent persistent regular irregular rhythmic repeated repetitive sudden brief
    short long fast rapid quick slow lazy leisurely hurried frantic brisk urgent large huge giant enormous
    great big small tiny little miniature young old new ancient modern antique vintage distant faraway
    remote muffled dull dampened clear bright dark warm cold cool hot wet dry damp fresh shrill piercing
    high-pitched low-pitched angry happy sad excited nervous playful aggressive friendly single lone
    solitary lonely various loose deeper hollow solid firm clean dirty broken full empty bare raw wide
    narrow tall flat round plain simple fine good bad rich poor busy late early eager tired weary proud lost
    dead alive main grand cosy cozy lush stern grim bleak sober sleek tense vast dim pale grey gray black
    white red green blue brown golden silver spare strange odd weird eerie unseen smooth crisp mellow dense
    lively vivid electric electronic electrical digital mechanical manual automatic acoustic portable
"""
"""How it is."""

_TIMES = """
    summer winter spring autumn morning evening night midnight noon day dawn dusk daybreak twilight
"""
"""When."""

_MATERIALS = """
    wooden wood metal metallic iron steel brass bronze copper tin stone marble concrete brick clay plastic
    rubber leather paper cardboard oak pine bamboo cast crystal ceramic porcelain velvet silk woollen
"""
"""Of what."""

_PLACES = """
    attic kitchen bathroom bedroom office school station town village garden yard farm barn stable forest
    jungle meadow mountain hill desert marsh swamp lake harbour harbor beach coastal country rural urban
    indoor outdoor house home shop store church temple castle tavern pub bar restaurant cafe hotel hospital
    ward prison cell court courtroom theatre theater stage stadium arena hall lobby corridor hallway
    stairwell cellar basement garage workshop factory laboratory lab library museum airport cabin bridge
    tunnel cave road highway roof wall floor front side rear
"""
"""Places that stand before a noun: a kitchen clock."""

NEUTRAL = word_set(_FUNCTION_WORDS + _COURSE + _QUALITIES + _TIMES + _MATERIALS + _PLACES)
"""Words that change no sound."""

ADJECTIVE_ENDINGS = (
    "ly", "ful", "ous", "less", "able", "ible", "ish", "ive", "ic", "ical", "some", "y", "ern", "ese", "ian",
)  # fmt: skip
"""Endings of adjectives and adverbs, for words that no table has."""
